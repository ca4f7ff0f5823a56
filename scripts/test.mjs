// Builds, then runs the tests in Node and in Chromium. Arguments go to vitest: `npm test -- test/core`.
// With `--production` the Node tests run against the production builds of the libraries.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { argv, env, execPath, exit, stderr } from 'node:process'
import { fileURLToPath } from 'node:url'
import { provideChromium } from './chromium.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const production = argv.includes('--production')
const passedOn = argv.slice(2).filter((argument) => argument !== '--production')
const projects = passedOn.flatMap((argument, index) => {
  if (argument === '--project') return [passedOn[index + 1]]
  return argument.startsWith('--project=') ? [argument.slice('--project='.length)] : []
})
const nodeOnly = production || (projects.length > 0 && !projects.includes('browser'))

const withoutBrowser = `
  ####################################################################################
  No Chromium or Chrome was found and none could be installed.
  THE BROWSER TESTS DID NOT RUN. Install one, or name it in SYNCHART_CHROMIUM.
  ####################################################################################
`

exit(main())

function main() {
  if (run(['scripts/build.mjs']) !== 0) {
    stderr.write('\nThe build failed, so no test ran.\n')
    return conclude({ passed: 0, failed: 0 }, 1)
  }
  const chromium = nodeOnly ? undefined : provideChromium()
  const incomplete = !nodeOnly && !chromium
  if (incomplete) stderr.write(withoutBrowser)
  const { counts, status } = vitest(chromium)
  if (incomplete) stderr.write(withoutBrowser)
  if (incomplete && env.CI === 'true') return conclude(counts, 1)
  return conclude(counts, status)
}

function vitest(chromium) {
  const folder = mkdtempSync(join(tmpdir(), 'synchart-test-'))
  const report = join(folder, 'report.json')
  try {
    const status = run(
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        ...(production ? ['--mode', 'production'] : []),
        ...(chromium || projects.length > 0 ? [] : ['--project', '!browser']),
        ...passedOn,
      ],
      { ...(chromium && { SYNCHART_CHROMIUM: chromium }), ...(production && { NODE_ENV: 'production' }) },
    )
    return { counts: read(report), status }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function read(report) {
  if (!existsSync(report)) return { passed: 0, failed: 0 }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  return {
    passed: numPassedTests,
    failed: numFailedTests + testResults.filter(isUnloaded).length,
    skipped: numPendingTests + numTodoTests,
    names: testResults.flatMap(failuresOf),
  }
}

function failuresOf(file) {
  const name = relative(root, file.name)
  if (isUnloaded(file)) return [name]
  return file.assertionResults.filter((test) => test.status === 'failed').map((test) => `${name}: ${test.fullName}`)
}

/** Such a file counts as one failure: none of its tests was counted. */
function isUnloaded(file) {
  return file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')
}

/** The names of what failed stand once more before the figures: whoever sees the end of a long log sees them. */
function conclude({ passed, failed, skipped, names = [] }, status) {
  const outside = status !== 0 && failed === 0 && passed > 0
  if (outside) stderr.write('Every test passed, but the run failed outside of them (see above): counted as one failure.\n')
  for (const name of names) console.log(`failed: ${name}`)
  if (skipped) console.log(`${skipped} skipped`)
  const failures = outside ? 1 : failed
  console.log(`${passed} passed, ${failures} failed`)
  return status === 0 && failures === 0 && passed > 0 ? 0 : 1
}

function run(args, extraEnv = {}) {
  const result = spawnSync(execPath, args, { cwd: root, env: { ...env, ...extraEnv }, stdio: 'inherit' })
  return result.status ?? 1
}
