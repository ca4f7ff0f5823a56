import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { cpuTimed, instantTransport, interleaved, newPath, payload, timed } from './support.mjs'

const SAMPLE = 500

/** What an operation costs when very many wait, and how soon the first request leaves after a start with many. */
export async function benchScale(rounds, { many = 1_000_000, few = 1_000, waiting = 100_000 } = {}) {
  const large = await filled(many)
  const small = await filled(few)
  const cost = await interleaved(rounds, { many: () => costOf(large), few: () => costOf(small) })
  const memory = await residentOver(large)
  const pending = await filled(waiting)
  const first = await interleaved(rounds, { waiting: () => firstRequest(pending), few: () => firstRequest(small) })
  const resting = await residentOver(pending)
  return [
    {
      what: `cost an operation, ${many} pending against ${few}`,
      value: cost.many / cost.few,
      unit: '×',
      limit: 1.3,
      detail: `${cost.many.toFixed(0)} against ${cost.few.toFixed(0)} µs (enqueue, send and settle)`,
    },
    { what: `memory, ${many} pending`, value: memory, unit: 'MB over the empty engine', limit: 150 },
    {
      what: `start with ${waiting} pending`,
      value: first.waiting,
      unit: 'ms to the first request',
      limit: 300,
      detail: `${first.few.toFixed(0)} ms with ${few}; ${resting.toFixed(0)} MB over the empty engine`,
    },
  ]
}

async function filled(count) {
  const path = newPath()
  const engine = engineOn(path)
  await engine.start()
  engine.pause('fill')
  for (let from = 0; from < count; from += 10_000) {
    const size = Math.min(10_000, count - from)
    await Promise.all(
      Array.from({ length: size }, (_, i) =>
        engine.enqueue({ type: 'create', entity: 'note', id: `n${from + i}`, payload: payload(i) }),
      ),
    )
  }
  await engine.stop()
  return path
}

const engineOn = (path, transport = instantTransport()) =>
  createSyncEngine({
    storage: sqliteStorage({ path }),
    transport,
    entities: { note: {} },
    stopTimeoutMs: 0,
    retention: { completedCount: 100_000_000 },
  })

let extra = 0

/** CPU microseconds to enqueue, send and settle one operation beside those that wait. */
async function costOf(path) {
  let sent = 0
  let enough = () => {}
  const done = new Promise((resolve) => (enough = resolve))
  const instant = instantTransport()
  const engine = engineOn(path, {
    ...instant,
    send: (...call) => {
      if (++sent === SAMPLE) enough()
      return sent > SAMPLE ? new Promise(() => {}) : instant.send(...call)
    },
  })
  await engine.start()
  const ms = await cpuTimed(async () => {
    await Promise.all(
      Array.from({ length: SAMPLE }, () =>
        engine.enqueue({ type: 'create', entity: 'note', id: `extra${++extra}`, payload: payload(extra), priority: 'critical' }),
      ),
    )
    await done
  })
  await engine.stop()
  return (1000 * ms) / SAMPLE
}

async function residentOver(path) {
  const empty = await resident(newPath(), 'empty')
  return (await resident(path, 'filled')) - empty
}

async function resident(path, kind) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('resident.mjs', import.meta.url)), path, kind], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [megabytes] = await once(createInterface({ input: child.stdout }), 'line')
  return Number(megabytes)
}

/** Milliseconds from start() to the first request. */
async function firstRequest(path) {
  let left = () => {}
  const sent = new Promise((resolve) => (left = resolve))
  const engine = engineOn(path, {
    ...instantTransport(),
    send: () => {
      left()
      return new Promise(() => {})
    },
  })
  const ms = await timed(async () => {
    await engine.start()
    await sent
  })
  await engine.stop()
  return ms
}
