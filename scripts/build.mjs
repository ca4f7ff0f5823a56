// Builds dist. Files are exchanged one by one and only where they changed, so that a process that runs from dist never finds half of it.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execPath, exit, pid } from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const fresh = mkdtempSync(join(tmpdir(), 'synchart-build-'))

try {
  const status = compile()
  if (status === 0) await bundled()
  exchange(status === 0)
  if (status !== 0) exit(status)
} finally {
  rmSync(fresh, { recursive: true, force: true })
}

/** Its bundler is loaded only now: where nothing is installed, it is the compiler that is told of. */
async function bundled() {
  const { bundleInspector } = await import('./inspector.mjs')
  await bundleInspector(root, fresh)
}

function compile() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const result = spawnSync(execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  return result.status ?? 1
}

function exchange(complete) {
  const built = filesIn(fresh)
  for (const file of built) replace(join(fresh, file), join(dist, file))
  if (!complete) return
  const keep = new Set(built)
  for (const file of filesIn(dist)) if (!keep.has(file)) rmSync(join(dist, file))
  const command = join(dist, 'src/cli/main.js')
  if (existsSync(command)) chmodSync(command, 0o755)
}

function filesIn(folder) {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

function replace(source, target) {
  const content = readFileSync(source)
  if (existsSync(target) && content.equals(readFileSync(target))) return
  mkdirSync(dirname(target), { recursive: true })
  const beside = `${target}.${pid}`
  writeFileSync(beside, content)
  renameSync(beside, target)
}
