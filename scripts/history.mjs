// Pushes a whole history to a server full of faults, kills the client by SIGKILL again and again, and then compares the server with a plain replay:
// `npm run history -- file.ndjson`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPush, startServerProcess } from '../examples/start/processes.mjs'
import { createScreen, table } from '../examples/start/screen.mjs'
import { verify } from '../examples/start/verify.mjs'
import { values } from './history.options.mjs'
import { seededRandom } from './random.mjs'

/** A kill comes at most so long after its share of the operations was acknowledged. */
const SCATTER_MS = 400
/** Every fourth kill comes at most so long after the process has said its first word: while it takes over and reads the file again. */
const EARLY_MS = 800
/** The last share of the operations that is left for the end, which is not killed. */
const REST = 0.08

const { kills, faults: rate, seed, json } = values
const [file, ...options] = values.positionals
const random = seededRandom(seed)
const startedAt = performance.now()
const folder = mkdtempSync(join(tmpdir(), 'synchart-history-'))
const screen = createScreen(process.stderr)
try {
  process.exitCode = await main()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function main() {
  const server = await startServerProcess({ database: join(folder, 'server.db'), faults: { rate, seed } })
  try {
    const runs = await pushKilled({ file, url: server.url, store: join(folder, 'outbox.db'), options })
    const last = runs.at(-1)
    for (const note of last.notes) screen.say(note)
    screen.say('The server is compared with a plain replay of the file …')
    return conclude(runs, await server.report(), await verify(file, server.url))
  } finally {
    await server.stop()
  }
}

/** Runs until `kills` processes were killed, and then once to the end. */
async function pushKilled(push) {
  const shares = Array.from({ length: kills }, () => random() * (1 - REST)).toSorted((a, b) => a - b)
  const runs = []
  for (const [at, share] of shares.entries()) {
    const run = await (at % 4 === 3 ? killed(push, 0, EARLY_MS) : killed(push, share, SCATTER_MS))
    runs.push(run)
    if (run.signal === null) return runs
    screen.say(
      `kill ${at + 1} of ${kills}: ${run.last?.ended ?? 0} of ${run.last?.total ?? '?'} had ended, ${run.last?.stored ?? 0} were stored`,
    )
  }
  runs.push(await startPush({ ...push, onProgress: show }).ended)
  return runs
}

/** Killed at some instant after this share of the operations had ended. */
function killed(push, share, scatterMs) {
  let isMarked = false
  const worker = startPush({
    ...push,
    onProgress(state) {
      show(state)
      if (isMarked || state.ended < share * state.total) return
      isMarked = true
      setTimeout(worker.kill, random() * scatterMs)
    },
  })
  return worker.ended
}

function show({ ended, total, requests, retries }) {
  screen.progress(ended, total, `${ended} of ${total}, ${requests} requests, ${retries} retries`)
}

function conclude(runs, { requests, faults }, { compared, effects, lost, doubled, outOfOrder }) {
  const { code, summary } = runs.at(-1)
  const killed = runs.filter(({ signal }) => signal === 'SIGKILL').length
  const inStore = summary?.inStore
  const figures = {
    operations: inStore?.operations ?? 0,
    killed,
    takeovers: runs.reduce((sum, { last, summary }) => sum + (summary?.run.takeovers ?? last?.takeovers ?? 0), 0),
    requests,
    retries: inStore?.repeated ?? 0,
    coalesced: (inStore?.byStatus.superseded ?? 0) + (inStore?.byStatus.cancelled ?? 0),
    conflicts: inStore?.reconciled ?? 0,
    faults: Object.values(faults).reduce((sum, count) => sum + count, 0),
    effects,
    entities: compared,
    lost: lost.length,
    doubled: doubled.length,
    outOfOrder: outOfOrder.length,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  }
  const isProven =
    code === 0 &&
    killed === kills &&
    figures.operations === summary.lines &&
    lost.length + doubled.length + outOfOrder.length === 0
  const examples = [...lost.slice(0, 10), ...doubled.slice(0, 10), ...outOfOrder.slice(0, 10)]
  if (json) console.log(JSON.stringify({ proven: isProven, code, ...figures, faultsByKind: faults, examples }, null, 2))
  else
    for (const line of [
      ...table(Object.entries(figures)),
      ...examples,
      isProven ? 'Proven: nothing lost, doubled or out of order.' : 'FAILED.',
    ])
      console.log(line)
  return isProven ? 0 : 1
}
