import { drain } from './drain.mjs'
import { paired, startServer } from './support.mjs'

const BATCH_SIZE = 1

/** What a recorder that is on adds to a drain over loopback HTTP, one operation a request; and what one that is off would, which is nothing. */
export async function benchRecorder(rounds, operations) {
  const server = await startServer('plain')
  const drained = (recorder) => () => drain(server.url, operations, BATCH_SIZE, { recorder })
  await drain(server.url, operations / 4, BATCH_SIZE, { recorder: {} })
  const of = await paired(rounds, drained(undefined), drained({ maxBytes: 1_048_576 }))
  await server.stop()
  const [wall, cpu] = [of('ms'), of('cpuMs')]
  const us = (ms) => ((1_000 * ms) / operations).toFixed(1)
  return [
    {
      what: `drain with the flight recorder, ${operations} operations`,
      value: wall.ratio,
      unit: '× without',
      limit: 1.05,
      detail: `rounds ${wall.spread}; ${us(wall.on)} against ${us(wall.off)} µs an operation; CPU ${cpu.ratio.toFixed(2)} × (${cpu.spread}), ${us(cpu.on)} against ${us(cpu.off)}`,
    },
  ]
}
