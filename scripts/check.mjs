// Everything that can be said about the code without running it. Names of checks as arguments run only those: `npm run check -- lint types`.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { argv, env, execPath, exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import { measureSizes } from './size.mjs'
import { attwProblems, contentProblems, publintProblems, withTarball } from './tarball.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Each gives what is wrong, and what is worth knowing in any case. */
const checks = {
  types: () => tool('typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'),
  playground: () => tool('typescript/bin/tsc', '-p', 'examples/playground'),
  lint: () => tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives', '--format=unix'),
  format: () => tool('oxfmt/bin/oxfmt', '--check', '.'),
  'dead code': () => tool('knip/bin/knip.js', '--no-progress', '--no-config-hints'),
  rules: () => tool('vitest/vitest.mjs', 'run', '--project', 'node', '--reporter=dot', 'test/rules.test.ts'),
  build: () => script('scripts/build.mjs'),
  diagrams: () => script('scripts/diagrams.mjs', '--check'),
  reference: () => script('scripts/api.mjs', '--check'),
  package: () => withTarball(lintPackage),
  size: async () => {
    const { table, problems } = await measureSizes()
    return { problems, note: table }
  },
}

const wanted = argv.slice(2)
const unknown = wanted.filter((name) => !(name in checks))
if (unknown.length > 0) {
  console.error(`There is no check named ${unknown.join(', ')}. There are: ${Object.keys(checks).join(', ')}.`)
  exit(1)
}

const failed = []
for (const [name, check] of Object.entries(checks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  if (!(await passes(name, check))) failed.push(name)
}
console.log(failed.length === 0 ? '\nEvery check passed.' : `\nFailed: ${failed.join(', ')}`)
exit(failed.length === 0 ? 0 : 1)

async function passes(name, check) {
  const start = performance.now()
  const { problems, note } = await attempt(check)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds} s`)
  for (const text of [...problems, ...(note ? [note] : [])]) console.log(text.replaceAll(/^/gm, '        '))
  return problems.length === 0
}

async function attempt(check) {
  try {
    return await check()
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : String(error)] }
  }
}

function tool(path, ...args) {
  return script(join('node_modules', path), ...args)
}

function script(path, ...args) {
  const { status, stdout, stderr, error } = spawnSync(execPath, [path, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...env, NO_COLOR: '1' },
    maxBuffer: 2 ** 26,
  })
  if (error) throw error
  return { problems: status === 0 ? [] : [`${stdout}${stderr}`.trim() || `${path} ended with ${status}`] }
}

async function lintPackage({ path, files }) {
  return { problems: [...contentProblems(files), ...(await publintProblems(path)), ...attwProblems(path)] }
}
