// Writes docs/api, the reference of all that the package exports, from the declarations that were built. With `--check` it writes nothing and tells what is stale.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import { values } from './api.options.mjs'
import { referenceOf } from './api/reference.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'docs/api')
const pages = referenceOf(root)
const known = existsSync(folder) ? readdirSync(folder) : []
const stale = [...pages].flatMap(([name, text]) =>
  known.includes(name) && readFileSync(join(folder, name), 'utf8') === text ? [] : name,
)
const left = known.filter((name) => !pages.has(name))

if (values.check) {
  for (const name of [...stale, ...left]) console.log(`docs/api/${name} is stale: run npm run docs:api`)
  exit(stale.length + left.length === 0 ? 0 : 1)
}
mkdirSync(folder, { recursive: true })
for (const name of left) rmSync(join(folder, name))
for (const name of stale) writeFileSync(join(folder, name), pages.get(name))
console.log(
  stale.length + left.length === 0 ? 'The reference was up to date.' : `${stale.length} pages written, ${left.length} removed.`,
)
