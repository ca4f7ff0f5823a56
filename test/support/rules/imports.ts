import { posix } from 'node:path'
import { at, type Finding, type Import, type ParsedFile } from './source.ts'

interface Layer {
  readonly folder: string
  readonly mayUse: readonly string[]
  readonly packages: readonly string[]
}

/** `core ← machines ← engine ← everything else`; the test models walk through any machine, ours or not. */
const LAYERS: readonly Layer[] = [
  { folder: 'src/core/', mayUse: ['src/core/'], packages: [] },
  { folder: 'machines/', mayUse: ['machines/', 'src/core/'], packages: ['xstate'] },
  { folder: 'src/testing/model/', mayUse: ['src/testing/model/', 'src/core/', 'src/testing/check.ts'], packages: ['xstate'] },
  {
    folder: 'src/testing/',
    mayUse: ['src/testing/', 'src/adapters/', 'src/engine/', 'machines/', 'src/core/'],
    packages: ['xstate'],
  },
  { folder: 'src/engine/', mayUse: ['src/engine/', 'machines/', 'src/core/'], packages: ['xstate', 'rxjs'] },
]

const SHIPPED = ['src/', 'machines/', 'visualizations/inspector/']
const TESTING = 'src/testing/'
const PUBLIC_FROM_INDEX = ['src/core/', 'src/engine/', 'machines/']

export function oneWay(file: ParsedFile): Finding[] {
  const layer = LAYERS.find(({ folder }) => file.path.startsWith(folder))
  if (!layer) return []
  return file.imports
    .filter((entry) => !isAllowed(file, entry, layer))
    .map((entry) => at(file, entry.start, `${layer.folder} must not import ${entry.specifier}`))
}

function isAllowed(file: ParsedFile, { specifier }: Import, { mayUse, packages }: Layer): boolean {
  if (isRelative(specifier)) return isWithin(target(file, specifier), mayUse)
  return packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))
}

/** What ships can't need what doesn't, and reaches its own files by path. */
export function shippedOnly(file: ParsedFile): Finding[] {
  if (!isWithin(file.path, SHIPPED)) return []
  return file.imports
    .filter(({ specifier }) =>
      isRelative(specifier) ? !isWithin(target(file, specifier), SHIPPED) : /^synchart(?:\/|$)/.test(specifier),
    )
    .map((entry) => at(file, entry.start, `what ships must not import ${entry.specifier}`))
}

/** Nobody pays for test equipment who doesn't ask for it. */
export function testingApart(file: ParsedFile): Finding[] {
  if (!isWithin(file.path, SHIPPED) || file.path.startsWith(TESTING)) return []
  return file.imports
    .filter(({ specifier }) => isRelative(specifier) && target(file, specifier).startsWith(TESTING))
    .map((entry) => at(file, entry.start, `only tests and scripts may import ${entry.specifier}`))
}

export function leanIndex(file: ParsedFile): Finding[] {
  if (file.path !== 'src/index.ts') return []
  return file.imports
    .filter(({ exported, specifier }) => exported && !isWithin(target(file, specifier), PUBLIC_FROM_INDEX))
    .map((entry) => at(file, entry.start, `src/index.ts must not export ${entry.specifier}: it has a subpath of its own`))
}

export function withExtension(file: ParsedFile): Finding[] {
  if (!/\.tsx?$/.test(file.path)) return []
  return file.imports
    .filter(({ specifier }) => isRelative(specifier) && !/\.(?:ts|tsx|mjs|json|css|html)(?:\?\w+)?$/.test(specifier))
    .map((entry) => at(file, entry.start, `the import of ${entry.specifier} must end in .ts`))
}

/** Whoever clones the repository has nothing beside it. */
export function insideRepository(file: ParsedFile): Finding[] {
  return file.imports
    .filter(({ specifier }) => isRelative(specifier) && target(file, specifier).startsWith('..'))
    .map((entry) => at(file, entry.start, `${entry.specifier} lies outside of the repository`))
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.')
}

function target(file: ParsedFile, specifier: string): string {
  return isRelative(specifier) ? posix.join(posix.dirname(file.path), specifier) : specifier
}

function isWithin(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder))
}
