import { drain } from './drain.mjs'
import { interleaved, median, startServer } from './support.mjs'

const BATCH_SIZE = 1

/** What a recorder that is on adds to a drain over loopback HTTP, one operation a request; and what one that is off would, which is nothing. */
export async function benchRecorder(rounds, operations) {
  const server = await startServer('plain')
  const drains = (recorder) => () => drain(server.url, operations, BATCH_SIZE, { recorder })
  await drain(server.url, operations / 4, BATCH_SIZE, { recorder: {} })
  const cpu = { off: [], on: [] }
  const { off, on } = await interleaved(rounds, {
    off: async () => noted(cpu.off, await drains(undefined)()),
    on: async () => noted(cpu.on, await drains({ maxBytes: 1_048_576 })()),
  })
  await server.stop()
  const us = (ms) => ((1_000 * ms) / operations).toFixed(1)
  return [
    {
      what: `drain with the flight recorder, ${operations} operations`,
      value: on / off,
      unit: '× without',
      limit: 1.05,
      detail: `${us(on)} against ${us(off)} µs an operation; CPU ${us(median(cpu.on))} against ${us(median(cpu.off))}`,
    },
  ]
}

function noted(list, { ms, cpuMs }) {
  list.push(cpuMs)
  return ms
}
