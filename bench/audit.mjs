import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { drain } from './drain.mjs'
import { instantTransport, measured, newPath, paired, payload, startServer } from './support.mjs'

const TOGETHER = 1_000
const AUDITED = { audit: {} }

/** What an audit costs, against the same engine without one. */
export async function benchAudit(rounds, { operations = 10_000, batched = 20_000 } = {}) {
  const server = await startServer('reference')
  const drains = (count, batchSize) =>
    paired(
      rounds,
      () => drain(server.url, count, batchSize),
      () => drain(server.url, count, batchSize, AUDITED),
    )
  const alone = await drains(operations, 1)
  const batch = await drains(batched, 100)
  await server.stop()
  const [plain, audited] = [await enqueuer({}), await enqueuer(AUDITED)]
  const enqueue = await paired(
    rounds,
    () => measured(plain.enqueue),
    () => measured(audited.enqueue),
  )
  await plain.stop()
  await audited.stop()
  return [
    ratio(`drain of ${operations}, audited`, alone, operations, 1.15),
    ratio(`drain of ${batched} in batches of 100, audited`, batch, batched, 1.5),
    ratio('enqueue together, audited', enqueue, TOGETHER, 2.5),
  ]
}

async function enqueuer(options) {
  const storage = sqliteStorage({ path: newPath() })
  const engine = createSyncEngine({ storage, transport: instantTransport(), entities: { note: {} }, ...options })
  await engine.start()
  engine.pause('bench')
  let next = 0
  const one = () => engine.enqueue({ type: 'create', entity: 'note', id: `n${++next}`, payload: payload(next) })
  return { enqueue: () => Promise.all(Array.from({ length: TOGETHER }, one)), stop: () => engine.stop() }
}

function ratio(what, of, count, limit) {
  const us = (ms) => ((1000 * ms) / count).toFixed(0)
  const [wall, cpu] = [of('ms'), of('cpuMs')]
  const detail = `rounds ${wall.spread}; ${us(wall.on)} against ${us(wall.off)} µs an operation; CPU ${cpu.ratio.toFixed(2)} × (${cpu.spread}), ${us(cpu.on)} against ${us(cpu.off)}`
  return { what, value: wall.ratio, unit: '× without', limit, detail }
}
