import { describe, expect, it } from 'vitest'
import { createActor, fromCallback, fromPromise, type AnyEventObject } from 'xstate'
import { connectivityMachine, type ConnectivityEvent } from '../../machines/connectivity.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const options = { settleMs: 1_000, probeEveryMs: 30_000 }

/** What the next probes find; a probe without an answer hangs. */
type Probe = boolean | 'fails' | 'hangs'

function makeConnectivity(online: boolean, probes?: Probe[]) {
  const clock = createVirtualClock()
  const reports: string[] = []
  let probed = 0
  const parent = createActor(
    fromCallback<AnyEventObject>(({ receive }) => receive(({ type }) => void reports.push(type.replace('NETWORK.', '')))),
  )
  parent.start()
  const logic = connectivityMachine.provide({
    actors: {
      probe: fromPromise<boolean>(async () => {
        const found = probes?.[probed++] ?? 'hangs'
        if (found === 'fails') throw new Error('no route')
        return found === 'hangs' ? new Promise<never>(() => {}) : found
      }),
    },
  })
  const actor = createActor(logic, {
    input: { ...options, parent, online, hasProbe: probes !== undefined },
    clock: machineClock(clock),
  })
  actor.start()
  return {
    clock,
    reports,
    probed: () => probed,
    state: () => Object.entries(actor.getSnapshot().value).flat().join('.'),
    async send(type: ConnectivityEvent['type']): Promise<void> {
      actor.send({ type })
      await clock.advance(0)
    },
  }
}

describe('connectivity', () => {
  it('D1 starts with what the platform says', () => {
    const [online, offline] = [makeConnectivity(true), makeConnectivity(false)]
    expect([online.state(), online.reports]).toEqual(['online.trusting', ['ONLINE']])
    expect([offline.state(), offline.reports]).toEqual(['offline.waiting', ['OFFLINE']])
  })

  it('D1 believes at once that the network is gone', async () => {
    const network = makeConnectivity(true)
    await network.send('WENT_OFFLINE')
    expect(network.reports).toEqual(['ONLINE', 'OFFLINE'])
  })

  it('D1 believes in the network only once it lasted for settleMs', async () => {
    const network = makeConnectivity(false)
    await network.send('CAME_ONLINE')
    await network.clock.advance(options.settleMs - 1)
    expect(network.reports).toEqual(['OFFLINE'])
    await network.clock.advance(1)
    expect(network.reports).toEqual(['OFFLINE', 'ONLINE'])
  })

  it('D1 a network that flaps for an hour is never taken for one', async () => {
    const network = makeConnectivity(false)
    for (let flap = 0; flap < 3_600_000 / options.settleMs; flap++) {
      await network.send(flap % 2 === 0 ? 'CAME_ONLINE' : 'WENT_OFFLINE')
      await network.clock.advance(options.settleMs - 1)
    }
    expect(network.reports).not.toContain('ONLINE')
  }, 60_000)

  it('D1 asks the probe before it believes the platform', async () => {
    const network = makeConnectivity(false, [false, true])
    await network.send('CAME_ONLINE')
    await network.clock.advance(options.settleMs)
    expect([network.state(), network.probed()]).toEqual(['offline.waiting', 1])
    await network.clock.advance(options.probeEveryMs)
    expect([network.state(), network.probed()]).toEqual(['online.trusting', 2])
  })

  it('L5 probes every probeEveryMs while offline, also where the platform never says a word', async () => {
    const network = makeConnectivity(false, ['fails', false, 'fails', true])
    await network.clock.advance(4 * options.probeEveryMs - 1)
    expect([network.state(), network.probed()]).toEqual(['offline.waiting', 3])
    await network.clock.advance(1)
    expect(network.state()).toBe('online.trusting')
  })

  it('L5 without a probe it takes the platform at its word', async () => {
    const network = makeConnectivity(false)
    await network.clock.advance(100 * options.probeEveryMs)
    expect(network.state()).toBe('offline.waiting')
    expect(network.clock.pending()).toBe(0)
  })

  it.each<[Probe, string[]]>([
    [true, []],
    [false, ['OFFLINE']],
    ['fails', ['OFFLINE']],
  ])('D1 a suspicion is put to the probe; it says %s', async (found, news) => {
    const network = makeConnectivity(true, [found])
    await network.send('SUSPECTED')
    expect(network.probed()).toBe(1)
    expect(network.reports).toEqual(['ONLINE', ...news])
  })

  it('D1 a suspicion without a probe changes nothing: the retries find out', async () => {
    const network = makeConnectivity(true)
    await network.send('SUSPECTED')
    expect([network.state(), network.reports]).toEqual(['online.trusting', ['ONLINE']])
  })

  it('D1 a platform that says it again does not start the wait anew', async () => {
    const network = makeConnectivity(false)
    for (let word = 0; word < 4; word++) {
      await network.send('CAME_ONLINE')
      await network.clock.advance(options.settleMs / 4)
    }
    expect(network.state()).toBe('online.trusting')
  })

  it('D1 says it once when the network stays away', async () => {
    const network = makeConnectivity(false, [false, false, false])
    await network.clock.advance(3 * options.probeEveryMs)
    expect([network.probed(), network.reports]).toEqual([3, ['OFFLINE']])
  })

  it.each(['online.checking', 'offline.probing'])(
    'L5 a probe that never answers while %s is given up, and asked again',
    async (state) => {
      const network = makeConnectivity(state === 'online.checking', ['hangs', true])
      if (state === 'online.checking') await network.send('SUSPECTED')
      else await network.clock.advance(options.probeEveryMs)
      expect(network.state()).toBe(state)
      await network.clock.advance(2 * options.probeEveryMs)
      expect([network.state(), network.probed()]).toEqual(['online.trusting', 2])
    },
  )

  it.each(['online.checking', 'offline.probing'])('D1 the platform overrules a probe while %s', async (state) => {
    const network = makeConnectivity(state === 'online.checking', ['hangs'])
    if (state === 'online.checking') await network.send('SUSPECTED')
    else await network.clock.advance(options.probeEveryMs)
    await network.send('WENT_OFFLINE')
    expect(network.reports.at(-1)).toBe('OFFLINE')
    expect(network.state()).toBe('offline.waiting')
  })

  it('L5 hears of the network while a probe from before is still out', async () => {
    const network = makeConnectivity(false, ['hangs', true])
    await network.clock.advance(options.probeEveryMs)
    expect(network.state()).toBe('offline.probing')
    await network.send('CAME_ONLINE')
    await network.clock.advance(options.settleMs)
    expect(network.state()).toBe('online.trusting')
  })
})
