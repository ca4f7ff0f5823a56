import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, type Comment } from 'oxc-parser'

export interface SourceFile {
  /** Relative to the repository, with slashes. */
  readonly path: string
  readonly text: string
}

export interface Finding {
  readonly path: string
  readonly line: number
  readonly message: string
}

export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export interface Import {
  readonly specifier: string
  readonly names: readonly string[]
  readonly start: number
  /** True for `export … from` and for an import that is exported again. */
  readonly exported: boolean
}

export interface ParsedFile extends SourceFile {
  readonly program: SyntaxNode
  readonly comments: readonly Comment[]
  readonly imports: readonly Import[]
}

const CODE = /\.(?:ts|tsx|mts|js|mjs|cjs)$/
const TEXT = /\.(?:ts|tsx|mts|js|mjs|cjs|json|md|html|css|svg|yml|yaml|sh|txt)$|^\.ci\/[^.]+$|^\.[a-z]+$/
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'coverage', '.git', '.vitest-attachments', '__screenshots__'])

export function isCode(path: string): boolean {
  return CODE.test(path)
}

/** Every text file of the repository but what is generated or installed. */
export function readRepository(root: string, folder = ''): SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : readRepository(root, path)
    return TEXT.test(path) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : []
  })
}

export function parse(file: SourceFile): ParsedFile {
  const { program, module, comments, errors } = parseSync(file.path, file.text)
  if (errors.length > 0) throw new SyntaxError(`${file.path}: ${errors.map((error) => error.message).join('; ')}`)
  if (!isNode(program)) throw new TypeError(`${file.path}: the parser gave no syntax tree`)
  const imports = [
    ...module.staticImports.map(({ moduleRequest, entries, start }) => ({
      specifier: moduleRequest.value,
      start,
      exported: false,
      names: entries.map(({ importName }) => importName.name ?? '*'),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, importName, start }) =>
        moduleRequest ? [{ specifier: moduleRequest.value, start, exported: true, names: [importName.name ?? '*'] }] : [],
      ),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest, start }) => {
      const literal = /^(['"])(.*)\1$/.exec(file.text.slice(moduleRequest.start, moduleRequest.end))
      return literal ? [{ specifier: literal[2] ?? '', start, exported: false, names: ['*'] }] : []
    }),
    ...typeImports(program),
  ]
  return { ...file, program, comments, imports }
}

/** `import('x').Y` in the place of a type. */
function typeImports(program: SyntaxNode): Import[] {
  const found: Import[] = []
  walk(program, (node) => {
    if (node.type !== 'TSImportType' || !isNode(node['source'])) return
    found.push({ specifier: String(node['source']['value']), start: node.start, exported: false, names: ['*'] })
  })
  return found
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Calls `visit` with every node, its parent and the parent's field that holds it. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parent?: SyntaxNode, field?: string) => void,
  parent?: SyntaxNode,
  field?: string,
): void {
  visit(node, parent, field)
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit, node, name)
  }
}

export function at(file: SourceFile, offset: number, message: string): Finding {
  return { path: file.path, line: file.text.slice(0, offset).split('\n').length, message }
}

export function matches(file: SourceFile, pattern: RegExp): RegExpExecArray[] {
  return [...file.text.matchAll(pattern)]
}
