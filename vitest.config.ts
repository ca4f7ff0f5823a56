import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { findChromium } from './scripts/chromium.mjs'
import { LongestFirst } from './test/support/order.ts'

const executablePath = findChromium()

const shared = {
  testTimeout: 30_000,
  hookTimeout: 30_000,
  // Of what a page or a process comes to on a busy machine; a second is the default.
  expect: { poll: { timeout: 10_000 } },
  restoreMocks: true,
}

const onAllCores = {
  pool: 'forks',
  // Vitest would leave one core alone, and of two that is half of them.
  maxWorkers: '100%',
  // Most objects of a simulation die young: a larger nursery spares a tenth of its time.
  execArgv: ['--max-semi-space-size=64'],
  sequence: { groupOrder: 0 },
} as const

/** Simulations change their process for good; and when the files of a SQLite store are let go of is a matter of the process's garbage collection. */
const ALONE = [
  'test/simulation/**/*.test.ts',
  'test/adapters/sqlite*.test.ts',
  'test/adapters/encrypted-files.test.ts',
  'test/engine/lifecycle.test.ts',
]

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    coverage: {
      provider: 'v8',
      include: ['machines/*.ts', 'src/core/**/*.ts', 'src/engine/**/*.ts'],
      exclude: ['test/**'],
      reporter: ['text-summary', 'html', 'json-summary'],
      thresholds: { statements: 95, branches: 90 },
    },
    projects: [
      {
        test: {
          ...shared,
          ...onAllCores,
          name: 'node',
          // What one process has loaded serves all the files that it runs; each of them leaves the process as it was.
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', ...ALONE],
        },
      },
      {
        test: {
          ...shared,
          ...onAllCores,
          name: 'alone',
          include: ALONE,
          // What is built is left to Node.
          server: { deps: { external: [/\/dist\/src\//] } },
        },
      },
      {
        // Found while tests run, a dependency would be bundled late and the page reloaded under the test.
        optimizeDeps: {
          include: [
            'arktype',
            'axios',
            'fast-check',
            'idb',
            'localforage',
            'react',
            'react-dom/client',
            'react-dom/server',
            'rxjs',
            'uuid',
            'valibot',
            'xstate',
            'zod',
          ],
        },
        test: {
          ...shared,
          name: 'browser',
          // After the Node tests: a few cores are better not shared with a browser.
          sequence: { groupOrder: 1 },
          include: ['test/browser/**/*.test.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            instances: [{ browser: 'chromium' }],
            provider: playwright({
              launchOptions: {
                ...(executablePath && { executablePath }),
                args: [
                  '--no-sandbox',
                  '--disable-gpu',
                  '--disable-quic',
                  '--no-first-run',
                  '--disable-background-networking',
                  '--disable-component-update',
                  '--disable-sync',
                ],
              },
            }),
          },
        },
      },
    ],
  },
})
