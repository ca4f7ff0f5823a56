import { memoryStorage } from 'synchart/storage/memory'
import { drainingEngine } from './drain.mjs'
import { instantTransport, paired, startServer } from './support.mjs'

const BATCH_SIZE = 1
/** So short that what disturbs the machine for a while disturbs both sides. */
const AT_ONCE = 500
/** Before they are timed, so that the ring is full. */
const WARM_UP = 1_000

/**
 * What a recorder that is on adds to a drain over loopback HTTP, one operation a request; and what one that is off would, which is nothing. One engine with it
 * and one without drain in turn; then two others, the other one made first, for which of two is made first makes more of a difference than the recorder.
 */
export async function benchRecorder(rounds, operations) {
  const server = await startServer('plain')
  const turns = Math.ceil(operations / AT_ONCE)
  const of = await inTurn(rounds, turns, (options) => drainingEngine(server.url, BATCH_SIZE, options))
  const alone = (await inTurn(rounds, turns, (options) => drainingEngine(server.url, BATCH_SIZE, { ...inMemory(), ...options })))(
    'ms',
  )
  await server.stop()
  const [wall, cpu] = [of('ms'), of('cpuMs')]
  return [
    {
      what: `drain with the flight recorder, ${rounds * turns} times ${AT_ONCE} operations`,
      value: wall.ratio,
      unit: '× without',
      limit: 1.05,
      detail: `rounds ${wall.spread}; ${us(wall.on)} against ${us(wall.off)} µs an operation; CPU ${cpu.ratio.toFixed(2)} × (${cpu.spread}), ${us(cpu.on)} against ${us(cpu.off)}`,
    },
    {
      what: 'the same without disk and network, where nothing else disturbs',
      value: (alone.ratio - 1) * us(alone.off),
      unit: 'µs an operation',
      limit: Number((0.05 * us(wall.off)).toFixed(1)),
      detail: `5 % of a drained operation; ${us(alone.on)} against ${us(alone.off)}, rounds ${alone.spread} ×`,
    },
  ]
}

const us = (ms) => ((1_000 * ms) / AT_ONCE).toFixed(1)
const inMemory = () => ({ storage: memoryStorage(), transport: instantTransport() })

/** Two engines at a time, `turns` drains of each. */
async function inTurn(rounds, turns, engineWith) {
  let pair
  const drained = (side) => async (round) => {
    if (round % turns === 0 && pair?.round !== round) pair = { round, ...(await nextPair(engineWith, pair)) }
    return pair[side].drain(AT_ONCE)
  }
  const of = await paired(rounds * turns, drained('off'), drained('on'))
  await stopped(pair)
  return of
}

async function nextPair(engineWith, before) {
  await stopped(before)
  const first = before?.first === 'off' ? 'on' : 'off'
  const pair = { first }
  for (const side of first === 'off' ? ['off', 'on'] : ['on', 'off']) {
    pair[side] = await engineWith(side === 'on' ? { recorder: { maxBytes: 1_048_576 } } : {})
    await pair[side].drain(WARM_UP)
  }
  return pair
}

async function stopped(pair) {
  for (const engine of [pair?.off, pair?.on]) await engine?.stop()
}
