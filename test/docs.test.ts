import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

async function sources(folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder), { recursive: true })
  return Promise.all(names.filter((name) => name.endsWith('.ts')).map((name) => read(join(folder, name))))
}

const product = [
  ...(await Promise.all(['src/core', 'src/engine', 'src/adapters', 'machines'].map(sources))).flat(),
  await read('src/composite.ts'),
]
const troubleshooting = await read('docs/troubleshooting.md')

/** Which argument of the constructor is the code, of classes that take one. */
const PLACES: Readonly<Record<string, number>> = { SyncError: 0, StorageError: 0, SyncOperationError: 1 }

interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

function* nodesIn(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if ('type' in value && typeof value.type === 'string') yield value as Node
  for (const child of Object.values(value)) yield* nodesIn(child)
}

/** The text of a literal, of a constant in capitals, or of what stands after `??`. */
function textOf(node: unknown, constants: ReadonlyMap<string, string>): string | undefined {
  const { type, value, name, right } = (node ?? {}) as Node
  if (type === 'Literal' && typeof value === 'string') return value
  if (type === 'Identifier' && /^[A-Z_]+$/.test(String(name))) return constants.get(String(name))
  return type === 'LogicalExpression' ? textOf(right, constants) : undefined
}

/** Every code that an error of the product may have, but those that a server names. */
function codesIn(texts: readonly string[]): Set<string> {
  const all = texts.flatMap((text) => [...nodesIn(parseSync('a.ts', text).program)])
  const constants = new Map(
    all.flatMap(({ type, id, init }) => {
      const text = type === 'VariableDeclarator' ? textOf(init, new Map()) : undefined
      return text === undefined ? [] : [[String((id as Node)['name']), text] as const]
    }),
  )
  const found = all.flatMap((node) => {
    const args = (node['arguments'] ?? []) as Node[]
    const callee = (node['callee'] ?? {}) as Node
    const options = args.flatMap(({ properties }) => (properties ?? []) as Node[])
    const own = options.filter(({ key }) => (key as Node | undefined)?.['name'] === 'code').map(({ value }) => value)
    if (node.type === 'CallExpression' && callee.type === 'Super') return [args[0], ...own]
    if (node.type !== 'NewExpression' || !String(callee['name']).endsWith('Error')) return []
    const place = PLACES[String(callee['name'])]
    return place === undefined ? own : [args[place], ...own]
  })
  return new Set(found.flatMap((node) => textOf(node, constants) ?? []).filter((code) => /^[a-z-]+$/.test(code)))
}

describe('docs/troubleshooting.md', () => {
  it('D5 B18 has every code of an error, and no other', () => {
    const [, table = ''] = troubleshooting.split('## Errors by code')
    const told = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code!)
    expect(told.toSorted()).toEqual([...codesIn(product)].toSorted())
  })

  it('B18 quotes what explain() says word for word', () => {
    const quotes = [...troubleshooting.matchAll(/> (.+?) \|/g)].map(([, quote]) => quote!)
    expect(quotes.length).toBeGreaterThan(15)
    const said = product.join('\n').replaceAll("\\'", "'")
    const unsaid = quotes.filter((quote) => quote.split('…').some((part) => !said.includes(part.trim())))
    expect(unsaid).toEqual([])
  })
})

describe('the links of the documents', () => {
  const pages = [
    'README.md',
    'AGENTS.md',
    'docs/guide.md',
    'docs/sync-algorithm.md',
    'docs/operations.md',
    'docs/troubleshooting.md',
    'examples/playground/README.md',
  ]

  it.each(pages)('B18 of %s lead to what is there', async (page) => {
    const text = await read(page)
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, path = '', anchor]) => ({
      path,
      anchor,
    }))
    const broken: string[] = []
    for (const { path, anchor } of links) {
      const target = path === '' ? page : join(dirname(page), path)
      const found = anchor === undefined ? await exists(target) : anchorsIn(await read(target)).includes(anchor)
      if (!found) broken.push(`${path}#${anchor ?? ''}`)
    }
    expect(broken).toEqual([])
  })
})

async function exists(path: string): Promise<boolean> {
  return readdir(join(root, dirname(path))).then(
    (names) => path.endsWith('/') || names.includes(path.split('/').at(-1)!),
    () => false,
  )
}

function anchorsIn(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('the API reference', async () => {
  const { exports } = JSON.parse(await read('package.json')) as { exports: Record<string, { default?: string }> }
  const subpaths = Object.entries(exports).flatMap(([path, target]) =>
    target.default === undefined ? [] : [[path, target.default] as const],
  )

  it.each(subpaths)('B18 of %s has a section for everything that it exports', async (path, target) => {
    const page = await read(`docs/api/${path === '.' ? 'index' : path.slice(2).replaceAll('/', '-')}.md`)
    const sections = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name!)
    const module = (await import(/* @vite-ignore */ join(root, target))) as object
    expect(Object.keys(module).filter((name) => !sections.includes(name))).toEqual([])
    const source = await read(target.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'))
    const types = [...source.matchAll(/^export (?:interface|type|class|function|const) (\w+)/gm)].map(([, name]) => name!)
    const listed = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
      names.split(',').flatMap((one) =>
        one.trim() === ''
          ? []
          : one
              .trim()
              .replace(/^type /, '')
              .split(' as ')
              .at(-1)!,
      ),
    )
    expect([...types, ...listed].filter((name) => !sections.includes(name))).toEqual([])
  })
})
