import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { drain } from './drain.mjs'
import { cpuTimed, instantTransport, interleaved, median, newPath, payload, startServer, timed } from './support.mjs'

const TOGETHER = 1_000
const AUDITED = { audit: {} }

/** What an audit costs, against the same engine without one. */
export async function benchAudit(rounds, { operations = 5_000, batched = 20_000 } = {}) {
  const server = await startServer('reference')
  const alone = await drained(rounds, server.url, operations, 1)
  const batch = await drained(rounds, server.url, batched, 100)
  await server.stop()
  const [plain, audited] = [await enqueuer({}), await enqueuer(AUDITED)]
  const enqueue = await interleaved(rounds, {
    off: () => timed(plain.enqueue),
    on: () => timed(audited.enqueue),
    offCpu: () => cpuTimed(plain.enqueue),
    onCpu: () => cpuTimed(audited.enqueue),
  })
  await plain.stop()
  await audited.stop()
  return [
    ratio(`drain of ${operations}, audited`, alone, operations, 1.15),
    ratio(`drain of ${batched} in batches of 100, audited`, batch, batched, 1.5),
    ratio('enqueue together, audited', enqueue, TOGETHER, 2.5),
  ]
}

async function drained(rounds, url, operations, batchSize) {
  const cpu = { off: [], on: [] }
  const run = (name, options) => async () => {
    const { ms, cpuMs } = await drain(url, operations, batchSize, options)
    cpu[name].push(cpuMs)
    return ms
  }
  const ms = await interleaved(rounds, { off: run('off', {}), on: run('on', AUDITED) })
  return { ...ms, offCpu: median(cpu.off), onCpu: median(cpu.on) }
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

function ratio(what, { on, off, onCpu, offCpu }, count, limit) {
  const us = (ms) => ((1000 * ms) / count).toFixed(0)
  const detail = `${us(on)} against ${us(off)} µs an operation; CPU ${us(onCpu)} against ${us(offCpu)}`
  return { what, value: on / off, unit: '× without', limit, detail }
}
