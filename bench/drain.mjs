import { create } from 'axios'
import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { httpTransport } from 'synchart/transport/http'
import { interleaved, measured, newPath, paired, payload, startServer } from './support.mjs'

const CONCURRENCY = 6
let runs = 0

/** Draining over loopback HTTP against a bare axios loop with the same concurrency, keys and headers; then in batches. */
export async function benchDrain(rounds, { operations = 10_000, batched = 20_000 } = {}) {
  const results = []
  for (const kind of ['reference', 'plain']) {
    const server = await startServer(kind)
    const of = await paired(
      rounds,
      () => measured(() => axiosLoop(server.url, operations)),
      () => drain(server.url, operations, 1),
    )
    const [wall, cpu] = [of('ms'), of('cpuMs')]
    const each = (ms) => ((1000 * ms) / operations).toFixed(0)
    results.push({
      what: `drain, ${operations} operations, ${kind} server`,
      value: 1 / wall.ratio,
      unit: '× bare axios loop',
      limit: 0.8,
      atLeast: true,
      detail: `${each(wall.on)} against ${each(wall.off)} µs an operation; CPU ${each(cpu.on)} against ${each(cpu.off)}`,
    })
    await server.stop()
  }
  const server = await startServer('reference')
  const batch = await interleaved(rounds, {
    rate: async () => (1000 * batched) / (await drain(server.url, batched, 100)).ms,
    cpu: async () => (1000 * (await drain(server.url, batched, 100)).cpuMs) / batched,
  })
  await server.stop()
  results.push({
    what: 'drain in batches of 100',
    value: batch.rate,
    unit: 'operations/s',
    limit: 10_000,
    atLeast: true,
    detail: 'client and server on 2 cores',
  })
  results.push({
    what: 'drain in batches of 100, CPU',
    value: batch.cpu,
    unit: 'µs an operation',
    limit: 60,
    detail: 'engine, store and transport',
  })
  return results
}

/** Drains a queue that was filled before; the time runs from the start of sending to the last commit. */
export async function drain(url, operations, batchSize, options = {}) {
  const engine = await drainingEngine(url, batchSize, options)
  const took = await engine.drain(operations)
  await engine.stop()
  return took
}

/** An engine that is filled and drained as often as it is asked to. */
export async function drainingEngine(url, batchSize, options) {
  const run = ++runs
  let made = 0
  const engine = createSyncEngine({
    storage: sqliteStorage({ path: newPath() }),
    transport: httpTransport({ baseURL: url, maxBodyBytes: 16 * 1_048_576, maxResponseBytes: 16 * 1_048_576 }),
    entities: { note: {} },
    concurrency: CONCURRENCY,
    batchSize,
    ...options,
  })
  await engine.start()
  engine.pause('bench')

  async function drain(operations) {
    const next = () => ({ type: 'create', entity: 'note', id: `r${run}-${++made}`, payload: payload(made) })
    await Promise.all(Array.from({ length: operations }, () => engine.enqueue(next())))
    const took = await measured(async () => {
      engine.resume('bench')
      const { succeeded } = await engine.flush()
      if (succeeded !== operations) throw new Error(`Only ${succeeded} of ${operations} succeeded.`)
    })
    engine.pause('bench')
    return took
  }

  return { drain, stop: () => engine.stop() }
}

async function axiosLoop(url, operations) {
  const { Agent } = await import('node:http')
  const run = ++runs
  const http = create({
    baseURL: url,
    httpAgent: new Agent({ keepAlive: true, maxSockets: CONCURRENCY }),
    maxRedirects: 0,
    validateStatus: () => true,
  })
  let next = 0
  const worker = async () => {
    for (let i = next++; i < operations; i = next++) {
      const body = JSON.stringify({ ...payload(i), id: `a${run}-${i}` })
      const headers = {
        'Content-Type': 'application/json',
        'Idempotency-Key': `"a${run}-${i}"`,
        'Synchart-Client': 'bench',
        'Synchart-Sequence': `${i}`,
      }
      const { status } = await http.post('/note', body, { headers })
      if (status !== 201) throw new Error(`Status ${status}`)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}
