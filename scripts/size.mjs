// What an application pays for each subpath: bundled beside xstate, minified, compressed with brotli.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, exit } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'

/** What they have and 2 % more: they may not grow unnoticed. docs/decisions tells why the core is not the 20 kB that were aimed at. */
const BUDGET_BYTES = new Map([
  ['.', 100_300],
  ['./core', 70_900],
])

/** Of what is measured by the engine alone: an application takes no part that it doesn't name. */
const ENGINE_ALONE = new Set(['.', './core'])

/** An application that doesn't import their subpath must not pay for them. */
const NEVER_IN_CORE = new Set([
  'axios',
  'localforage',
  'idb',
  'libsql',
  'hono',
  '@hono/node-server',
  'cac',
  'ws',
  'node-diff3',
  '@opentelemetry/api',
  'react',
])

/** They can't be bundled, or need no bundle. */
const EXTERNAL = ['xstate', 'xstate/*', 'react', 'libsql', '@libsql/*', 'node:*']

const root = fileURLToPath(new URL('..', import.meta.url))

/** Measures every subpath; `problems` says what breaks the budget. */
export async function measureSizes() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entries = Object.entries(exports).filter(([, target]) => typeof target === 'object')
  const sizes = await Promise.all(entries.map(([subpath, target]) => measure(subpath, target.default)))
  return { table: table(sizes), problems: sizes.flatMap(problemsOf) }
}

async function measure(subpath, file) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export ${ENGINE_ALONE.has(subpath) ? '{ createSyncEngine }' : '*'} from '${file}'`, resolveDir: root },
    absWorkingDir: root,
    external: EXTERNAL,
    platform: needsNode(subpath) ? 'node' : 'browser',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  const code = outputFiles[0].contents
  return { subpath, minified: code.length, brotli: brotliCompressSync(code).length, packages: packagesIn(metafile) }
}

function needsNode(subpath) {
  return subpath === './server' || subpath === './storage/sqlite'
}

function packagesIn({ inputs }) {
  const names = Object.keys(inputs).map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
  return [...new Set(names)].filter(Boolean).toSorted()
}

function problemsOf({ subpath, brotli, packages }) {
  const budget = BUDGET_BYTES.get(subpath)
  if (budget === undefined) return []
  const heavy = packages.filter((name) => NEVER_IN_CORE.has(name))
  return [
    ...(brotli > budget ? [`${subpath} has ${kilobytes(brotli)} kB, its budget is ${kilobytes(budget)} kB`] : []),
    ...heavy.map((name) => `${subpath} contains ${name}: keep it behind its subpath`),
  ]
}

function table(sizes) {
  const rows = sizes.map(({ subpath, minified, brotli, packages }) => [
    subpath,
    `${kilobytes(minified)} kB`,
    `${kilobytes(brotli)} kB`,
    packages.join(' '),
  ])
  const all = [['subpath', 'minified', 'brotli', 'with'], ...rows]
  return all
    .map(([name, minified, brotli, packages]) => `${name.padEnd(24)}${minified.padStart(10)}${brotli.padStart(10)}  ${packages}`)
    .join('\n')
}

function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1)
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const { table: text, problems } = await measureSizes()
  console.log([text, ...problems].join('\n'))
  exit(problems.length > 0 ? 1 : 0)
}
