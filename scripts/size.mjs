// What an application pays for each subpath: bundled beside xstate, minified, compressed with brotli.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, exit } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'

/** What the core has and 3 % more: it may not grow unnoticed. docs/decisions tells why it is not the 20 kB that were aimed at. */
const CORE_BUDGET_BYTES = 98_000

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
  return { table: table(sizes), problems: problemsOf(sizes.find(({ subpath }) => subpath === '.')) }
}

async function measure(subpath, file) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, file)],
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

function problemsOf({ brotli, packages }) {
  const heavy = packages.filter((name) => NEVER_IN_CORE.has(name))
  return [
    ...(brotli > CORE_BUDGET_BYTES
      ? [`the core bundle has ${kilobytes(brotli)} kB, the budget is ${kilobytes(CORE_BUDGET_BYTES)} kB`]
      : []),
    ...heavy.map((name) => `the core bundle contains ${name}: keep it behind its subpath`),
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
