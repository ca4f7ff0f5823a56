import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { cpuTimed, instantTransport, interleaved, newPath, payload, timed } from './support.mjs'
import { openRaw } from './raw-sqlite.mjs'

const CONCURRENT = 2_000
const SINGLE = 200

/** Durable enqueue against the same rows in raw transactions of the same size, and one call against one raw put. */
export async function benchEnqueue(rounds) {
  const path = newPath()
  const engine = createSyncEngine({ storage: sqliteStorage({ path }), transport: instantTransport(), entities: { note: {} } })
  await engine.start()
  engine.pause('bench')
  await engine.enqueue({ type: 'create', entity: 'note', id: 'warm', payload: payload(0) })
  const raw = await openRaw(newPath(), path)
  let next = 0
  const enqueue = () => engine.enqueue({ type: 'create', entity: 'note', id: `n${++next}`, payload: payload(next) })
  const together = () => timed(() => Promise.all(Array.from({ length: CONCURRENT }, enqueue)))
  const alone = () =>
    timed(async () => {
      for (let i = 0; i < SINGLE; i++) await enqueue()
    })
  await together()
  raw.commit(CONCURRENT, 1_000)
  const result = await interleaved(rounds, {
    together,
    rawTogether: () => timed(() => raw.commit(CONCURRENT, 1_000)),
    alone,
    rawAlone: () => timed(() => raw.commit(SINGLE, 1)),
    cpu: () => cpuTimed(() => Promise.all(Array.from({ length: CONCURRENT }, enqueue))),
  })
  await engine.stop()
  raw.close()
  return [
    {
      what: 'durable enqueue, concurrent callers',
      value: result.together / result.rawTogether,
      unit: '× raw group commit',
      limit: 1.5,
      detail: `${us(result.together, CONCURRENT)} against ${us(result.rawTogether, CONCURRENT)} µs a row`,
    },
    {
      what: 'durable enqueue, one call alone',
      value: result.alone / result.rawAlone,
      unit: '× raw durable put',
      limit: 1.5,
      detail: `${us(result.alone, SINGLE)} against ${us(result.rawAlone, SINGLE)} µs`,
    },
    {
      what: 'enqueue, CPU',
      value: (1000 * result.cpu) / CONCURRENT,
      unit: 'µs an operation',
      limit: 10_000,
      detail: 'D9: under 10 ms',
    },
  ]
}

const us = (ms, count) => ((1000 * ms) / count).toFixed(1)
