import { describe, expect, it } from 'vitest'
import { createActor } from 'xstate'
import { breakerMachine, type BreakerEvent } from '../../machines/breaker.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const options = { failureThreshold: 3, windowMs: 1_000, cooldownMs: 5_000, halfOpenProbes: 2, probeTimeoutMs: 700 }

function makeBreaker() {
  const clock = createVirtualClock()
  const actor = createActor(breakerMachine, { input: options, clock: machineClock(clock) })
  const emitted: string[] = []
  actor.on('*', ({ type }) => void emitted.push(type.replace('breaker:', '')))
  actor.start()
  const send = (type: BreakerEvent['type']): void => actor.send(type === 'FAILURE' ? { type, at: clock.monotonic() } : { type })
  return {
    clock,
    emitted,
    send,
    fail: (times: number): void => Array.from({ length: times }).forEach(() => send('FAILURE')),
    state: () => actor.getSnapshot().value,
    context: () => actor.getSnapshot().context,
  }
}

type Breaker = ReturnType<typeof makeBreaker>

function openBreaker(): Breaker {
  const breaker = makeBreaker()
  breaker.fail(options.failureThreshold)
  expect(breaker.state()).toBe('open')
  return breaker
}

async function halfOpenBreaker(): Promise<Breaker> {
  const breaker = openBreaker()
  await breaker.clock.advance(options.cooldownMs)
  expect(breaker.state()).toEqual({ halfOpen: 'waiting' })
  return breaker
}

async function probingBreaker(probes = 1): Promise<Breaker> {
  const breaker = await halfOpenBreaker()
  for (let probe = 0; probe < probes; probe++) breaker.send('PROBE')
  expect(breaker.state()).toEqual({ halfOpen: 'probing' })
  return breaker
}

describe('the breaker', () => {
  it('S23 opens at the threshold within the window, and not before', () => {
    const breaker = makeBreaker()
    breaker.fail(options.failureThreshold - 1)
    expect(breaker.state()).toBe('closed')
    breaker.fail(1)
    expect(breaker.state()).toBe('open')
    expect(breaker.emitted).toEqual(['opened'])
    expect(breaker.context().trips).toBe(1)
  })

  it('S23 forgets failures that lie outside of the window', async () => {
    const breaker = makeBreaker()
    for (let failure = 0; failure < 20; failure++) {
      breaker.fail(1)
      await breaker.clock.advance(options.windowMs / 2)
    }
    expect(breaker.state()).toBe('closed')
    expect(breaker.context().failuresAt.length).toBeLessThan(options.failureThreshold)
  })

  it('S23 cools down for exactly cooldownMs, and late failures do not make it longer', async () => {
    const breaker = openBreaker()
    await breaker.clock.advance(options.cooldownMs - 1)
    breaker.fail(10)
    breaker.send('SUCCESS')
    breaker.send('PROBE')
    expect(breaker.state()).toBe('open')
    await breaker.clock.advance(1)
    expect(breaker.state()).toEqual({ halfOpen: 'waiting' })
    expect(breaker.emitted).toEqual(['opened', 'halfOpened'])
    expect(breaker.context().trips).toBe(1)
  })

  it('L5 waits half-open for the next request, however long that takes', async () => {
    const breaker = await halfOpenBreaker()
    await breaker.clock.advance(100 * options.cooldownMs)
    expect(breaker.state()).toEqual({ halfOpen: 'waiting' })
  })

  it('S23 counts the probes in flight, for whoever sends keeps to halfOpenProbes', async () => {
    const breaker = await probingBreaker(2)
    expect(breaker.context()).toMatchObject({ probesInFlight: 2, halfOpenProbes: 2 })
    breaker.send('PROBE_ABANDONED')
    expect(breaker.context().probesInFlight).toBe(1)
  })

  it('S23 closes at the first success and counts from nothing again', async () => {
    const breaker = await probingBreaker(2)
    breaker.send('SUCCESS')
    expect(breaker.state()).toBe('closed')
    expect(breaker.emitted).toEqual(['opened', 'halfOpened', 'closed'])
    breaker.fail(options.failureThreshold - 1)
    expect(breaker.state()).toBe('closed')
  })

  it('S23 opens again at the first failure of a probe, and cools down anew', async () => {
    const breaker = await probingBreaker(2)
    breaker.send('FAILURE')
    expect(breaker.state()).toBe('open')
    expect(breaker.context().trips).toBe(2)
    await breaker.clock.advance(options.cooldownMs)
    expect(breaker.state()).toEqual({ halfOpen: 'waiting' })
    expect(breaker.context().probesInFlight).toBe(0)
  })

  it('S23 opens again when a probe is never answered: it does not stay half-open for ever', async () => {
    const breaker = await probingBreaker()
    await breaker.clock.advance(options.probeTimeoutMs - 1)
    expect(breaker.state()).toEqual({ halfOpen: 'probing' })
    await breaker.clock.advance(1)
    expect(breaker.state()).toBe('open')
    await breaker.clock.advance(options.cooldownMs)
    breaker.send('PROBE')
    expect(breaker.state()).toEqual({ halfOpen: 'probing' })
  })

  it('S23 lets another probe leave when one was abandoned, with a time-out of its own', async () => {
    const breaker = await probingBreaker()
    await breaker.clock.advance(options.probeTimeoutMs / 2)
    breaker.send('PROBE_ABANDONED')
    expect(breaker.state()).toEqual({ halfOpen: 'waiting' })
    expect(breaker.context().probesInFlight).toBe(0)
    breaker.send('PROBE')
    await breaker.clock.advance(options.probeTimeoutMs - 1)
    expect(breaker.state()).toEqual({ halfOpen: 'probing' })
  })

  it.each<[string, () => Promise<Breaker> | Breaker]>([
    ['open', openBreaker],
    ['half-open', halfOpenBreaker],
    ['probing', probingBreaker],
  ])('A2 RESET closes it when it is %s', async (_, make) => {
    const breaker = await make()
    breaker.send('RESET')
    expect(breaker.state()).toBe('closed')
    expect(breaker.emitted.at(-1)).toBe('closed')
    expect(breaker.clock.pending()).toBe(0)
  })

  it('A2 RESET forgets the failures that it counted so far', () => {
    const breaker = makeBreaker()
    breaker.fail(options.failureThreshold - 1)
    breaker.send('RESET')
    breaker.fail(1)
    expect(breaker.state()).toBe('closed')
  })

  it('L9 keeps no more failures than the threshold, however long an outage lasts', async () => {
    const breaker = makeBreaker()
    for (let round = 0; round < 50; round++) {
      breaker.fail(10)
      expect(breaker.context().failuresAt.length).toBeLessThan(options.failureThreshold)
      await breaker.clock.advance(options.cooldownMs)
      breaker.send('PROBE')
    }
  })

  it('S23 two breakers have nothing in common', () => {
    const [one, other] = [openBreaker(), makeBreaker()]
    expect([one.state(), other.state()]).toEqual(['open', 'closed'])
  })
})
