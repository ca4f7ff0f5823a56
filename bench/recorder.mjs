import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { httpTransport } from 'synchart/transport/http'
import { cpuTimed, interleaved, newPath, payload, startServer, timed } from './support.mjs'

let runs = 0

/** What a recorder that is on adds to a drain over loopback HTTP, one operation a request; and what one that is off would, which is nothing. */
export async function benchRecorder(rounds, operations) {
  const server = await startServer('plain')
  const drains = (recorder) => () => drain(server.url, operations, recorder)
  await drain(server.url, operations / 4, {})
  const cpu = { off: [], on: [] }
  const { off, on } = await interleaved(rounds, {
    off: async () => noted(cpu.off, await drains(undefined)()),
    on: async () => noted(cpu.on, await drains({ maxBytes: 1_048_576 })()),
  })
  await server.stop()
  const us = (ms) => ((1_000 * ms) / operations).toFixed(1)
  const middle = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
  return [
    {
      what: `drain with the flight recorder, ${operations} operations`,
      value: on / off,
      unit: '× without',
      limit: 1.05,
      detail: `${us(on)} against ${us(off)} µs an operation; CPU ${us(middle(cpu.on))} against ${us(middle(cpu.off))}`,
    },
  ]
}

function noted(list, { ms, cpuMs }) {
  list.push(cpuMs)
  return ms
}

async function drain(url, operations, recorder) {
  const run = ++runs
  const engine = createSyncEngine({
    storage: sqliteStorage({ path: newPath() }),
    transport: httpTransport({ baseURL: url }),
    entities: { note: {} },
    recorder,
  })
  await engine.start()
  engine.pause('bench')
  const one = (_, i) => engine.enqueue({ type: 'create', entity: 'note', id: `r${run}-${i}`, payload: payload(i) })
  await Promise.all(Array.from({ length: operations }, one))
  let ms = 0
  const cpuMs = await cpuTimed(async () => {
    ms = await timed(async () => {
      engine.resume('bench')
      const { succeeded } = await engine.flush()
      if (succeeded !== operations) throw new Error(`Only ${succeeded} of ${operations} succeeded.`)
    })
  })
  await engine.stop()
  return { ms, cpuMs }
}
