import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'

const known = new Map()

/** What a file of declarations declares, imports and exports. */
export function moduleAt(file) {
  if (!known.has(file)) known.set(file, read(file))
  return known.get(file)
}

function read(file) {
  const text = readFileSync(file, 'utf8')
  const { program, comments } = parseSync(file, text)
  const module = { file, text, comments, declarations: new Map(), imports: new Map(), exports: new Map(), all: [] }
  for (const node of program.body) take(module, node)
  return module
}

function take(module, node) {
  if (node.type === 'ImportDeclaration') {
    for (const { imported, local } of node.specifiers)
      module.imports.set(local.name, { from: node.source.value, name: imported?.name ?? 'default' })
  } else if (node.type === 'ExportAllDeclaration') module.all.push(node.source.value)
  else if (node.type === 'ExportNamedDeclaration' && node.declaration === null) {
    for (const { local, exported } of node.specifiers)
      module.exports.set(
        exported.name,
        node.source === null ? { name: local.name } : { from: node.source.value, name: local.name },
      )
  } else declare(module, node.declaration ?? node, node)
}

function declare(module, declaration, node) {
  const names = (declaration.declarations ?? [declaration]).flatMap(({ id }) => (id?.name === undefined ? [] : id.name))
  for (const name of names) {
    module.declarations.set(name, [...(module.declarations.get(name) ?? []), node])
    if (node.type === 'ExportNamedDeclaration') module.exports.set(name, { name })
  }
}

/** Every name that it exports, those that it passes on among them. */
export function namesOf(module) {
  const passed = module.all.flatMap((from) => namesOf(moduleAt(fileOf(module, from))))
  return [...new Set([...module.exports.keys(), ...passed])]
}

/** Where a name that it exports is declared: the module and the nodes; or the package that it is of. */
export function declarationOf(module, name) {
  const own = module.exports.get(name)
  if (own?.from !== undefined) return declaredIn(module, own)
  if (own !== undefined) {
    const nodes = module.declarations.get(own.name)
    if (nodes !== undefined) return { module, nodes }
    return declaredIn(module, module.imports.get(own.name))
  }
  const from = module.all.find((path) => namesOf(moduleAt(fileOf(module, path))).includes(name))
  return declaredIn(module, { from, name })
}

function declaredIn(module, { from, name }) {
  return from.startsWith('.') ? declarationOf(moduleAt(fileOf(module, from)), name) : { package: from }
}

function fileOf(module, path) {
  return resolve(dirname(module.file), path.replace(/\.(ts|js)$/, '.d.ts'))
}
