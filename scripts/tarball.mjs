// Packs the package as it would be published, and looks at what came out.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const ALLOWED =
  /^(?:dist\/(?:src|machines|visualizations\/inspector)\/[\w/-]+\.(?:js|d\.ts)|dist\/visualizations\/inspector\/(?:drawings\.mjs|page\.bundle\.js)|docs\/[\w/-]+\.md|machines\/SPEC\.md|visualizations\/(?:README\.md|diagrams\/\w+\.(?:svg|mmd))|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/
const REQUIRED = ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE']

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Calls `use` with the path and the contents of a fresh tarball. */
export async function withTarball(use) {
  const folder = mkdtempSync(join(tmpdir(), 'synchart-pack-'))
  try {
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
    const { status, stdout, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8', shell: platform === 'win32' })
    if (status !== 0) throw new Error(`npm pack failed: ${stderr}`)
    const [{ filename, files }] = JSON.parse(stdout)
    return await use({ path: join(folder, filename), files: files.map((file) => file.path) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What must not be in the package, and what is missing. */
export function contentProblems(files) {
  const targets = Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [] : Object.values(target)))
  const needed = [...REQUIRED, ...[...targets, ...Object.values(manifest.bin)].map((path) => path.replace('./', ''))]
  return [
    ...files.filter((file) => !ALLOWED.test(file)).map((file) => `${file} must not be in the package`),
    ...needed.filter((file) => !files.includes(file)).map((file) => `${file} is missing in the package`),
  ]
}

export async function publintProblems(tarball) {
  const buffer = readFileSync(tarball)
  const content = buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball: content }, strict: true })
  return messages.map((message) => formatMessage(message, pkg, { color: false }))
}

/** Whether TypeScript resolves every subpath to the right types. */
export function attwProblems(tarball) {
  const cli = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
  const args = [cli, tarball, '--profile', 'esm-only', '--no-definitely-typed', '--format', 'ascii', '--no-emoji', '--no-color']
  const { status, stdout, stderr } = spawnSync(execPath, args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? [] : [`${stdout}${stderr}`.trim()]
}
