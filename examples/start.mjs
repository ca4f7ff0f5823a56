// Pushes 2,000 real writes through a faulty network, kills the worker half-way with SIGKILL and starts it again, and then
// compares the server with the file. `npm start` runs it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPush, startServerProcess } from './start/processes.mjs'
import { createScreen, table } from './start/screen.mjs'
import { verify } from './start/verify.mjs'

await import('./start.options.mjs')

const file = fileURLToPath(new URL('./data/history-2000.ndjson', import.meta.url))
/** A window, so that not everything is coalesced before the first request; and a way out, should something hang. */
const options = ['--window', '200', '--timeout', '50']

const startedAt = performance.now()
const folder = mkdtempSync(join(tmpdir(), 'synchart-start-'))
const screen = createScreen()
let best = 0
try {
  process.exitCode = await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function main() {
  const server = await startServerProcess({ database: join(folder, 'server.db'), faults: { rate: 0.1 } })
  try {
    screen.say(`server   ${server.url}, one request in ten meets a fault`)
    const store = join(folder, 'outbox.db')
    const first = await pushUntilHalf(server.url, store)
    if (first.signal === 'SIGKILL')
      screen.say(`worker   killed with SIGKILL after ${first.last.ended} of ${first.last.total} operations; started again`)
    else screen.say('worker   ended before it could be killed')
    const second = await push(server.url, store).ended
    for (const note of second.notes) screen.say(`worker   ${note}`)
    screen.say('check    the server against a plain replay of the file, entity by entity\n')
    return conclude(second, await server.report(), await verify(file, server.url), first.signal === 'SIGKILL')
  } finally {
    await server.stop()
  }
}

function push(url, store, onProgress = () => {}) {
  const show = (state) => {
    best = Math.max(best, state.ended)
    screen.progress(best, state.total, `${best} of ${state.total}, ${state.requests} requests, ${state.retries} retries`)
    onProgress(state)
  }
  return startPush({ file, url, store, options, onProgress: show })
}

async function pushUntilHalf(url, store) {
  const worker = push(url, store, ({ ended, total }) => {
    if (ended >= total / 2) worker.kill()
  })
  return worker.ended
}

function conclude({ code, summary }, { requests, faults }, { compared, lost, doubled, outOfOrder }, wasKilled) {
  const met = Object.entries(faults).filter(([, count]) => count > 0)
  const { byStatus, operations, repeated } = summary?.inStore ?? { byStatus: {}, operations: 0, repeated: 0 }
  const rows = [
    ['operations', operations],
    ['requests', requests],
    ['retries', repeated],
    ['coalesced', (byStatus.superseded ?? 0) + (byStatus.cancelled ?? 0)],
    ['faults met', met.reduce((sum, [, count]) => sum + count, 0)],
    ...met.map(([kind, count]) => [`  ${kind}`, count]),
    ['takeovers', summary?.run.takeovers ?? 0],
    ['entities compared', compared],
    ['lost', lost.length],
    ['doubled', doubled.length],
    ['out of order', outOfOrder.length],
    ['time', `${((performance.now() - startedAt) / 1000).toFixed(1)} s`],
  ]
  for (const line of table(rows)) screen.say(line)
  const problems = [
    ...lost.map((name) => `lost: ${name}`),
    ...doubled.map((name) => `doubled: ${name}`),
    ...outOfOrder.map((name) => `out of order: ${name}`),
  ]
  for (const problem of problems.slice(0, 10)) screen.say(problem)
  const isProven = code === 0 && wasKilled && problems.length === 0 && operations === summary?.lines
  screen.say(isProven ? '\nEvery write is on the server, once, and in order.' : '\nFAILED: see above.')
  return isProven ? 0 : 1
}
