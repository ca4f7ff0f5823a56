import { describe, expect, it } from 'vitest'
import { createSimulatedNetwork, type NetworkFault } from '../../../src/testing/index.ts'
import { NETWORK_FAULTS } from '../../../src/testing/network/faults.ts'
import { saved, simulated, told } from './world.ts'

const once =
  (fault: NetworkFault) =>
  ({ number }: { number: number }) =>
    number === 1 ? fault : undefined

describe('a simulated network, for an engine of the public API in virtual time', () => {
  it('D8 carries requests, with the latency that it is told', async () => {
    const world = await simulated({ latencyMs: [250, 250] })
    expect(await saved(world, 'n1')).toMatchObject({ status: 'done' })
    const [entry] = world.network.log()
    expect(entry).toMatchObject({ number: 1, method: 'POST', path: '/note', attempt: 1, fault: undefined, answer: 201 })
    expect(entry?.idempotencyKey).toBe(world.server.effects()[0]?.idempotencyKey)
    expect(world.time.elapsedMs()).toBeGreaterThanOrEqual(500)
    expect(world.server.list('note')).toEqual([{ id: 'n1', title: 'n1' }])
  })

  it.each<[NetworkFault, readonly string[]]>([
    [{ type: 'request-lost' }, ['POST /note: request-lost ECONNRESET', 'POST /note: as it is 201']],
    [{ type: 'response-lost' }, ['POST /note: response-lost ECONNRESET', 'POST /note: as it is 201']],
    [{ type: 'truncated' }, ['POST /note: truncated 201', 'POST /note: as it is 201']],
    [{ type: 'portal-page' }, ['POST /note: portal-page 200', 'POST /note: as it is 201']],
    [{ type: 'duplicated', afterMs: 50 }, ['POST /note: duplicated 201']],
    [{ type: 'late', thereMs: 2_000, backMs: 1_000 }, ['POST /note: late 201']],
    [{ type: 'error-status', status: 503 }, ['POST /note: error-status 503', 'POST /note: as it is 201']],
    [{ type: 'error-after-effect', status: 500 }, ['POST /note: error-after-effect 500', 'POST /note: as it is 201']],
  ])('D8 lets one request meet %o, and the note is there once', async (fault, story) => {
    const world = await simulated({ faults: once(fault) })
    expect(await saved(world, 'n1')).toMatchObject({ status: 'done' })
    await world.time.run(60_000)
    expect(told(world)).toEqual(story)
    expect(world.server.effects()).toMatchObject([{ method: 'POST', entity: 'note', id: 'n1', version: 1 }])
  })

  it.each<[NetworkFault, number]>([
    [{ type: 'request-lost' }, 0],
    [{ type: 'response-lost' }, 1],
    [{ type: 'truncated' }, 1],
    [{ type: 'portal-page' }, 0],
    [{ type: 'error-status', status: 502 }, 0],
    [{ type: 'error-after-effect', status: 502 }, 1],
  ])('D8 a request that meets %o has had %i effects when its sender learns of it', async (fault, effects) => {
    const world = await simulated({ faults: once(fault) })
    await world.time.runUntil(world.engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} }))
    await world.time.runUntil(() => world.network.log()[0]?.answer !== undefined)
    expect(world.server.effects()).toHaveLength(effects)
  })

  it('S22 lets the engine wait as Retry-After says, to the millisecond of virtual time', async () => {
    const world = await simulated({ faults: once({ type: 'error-status', status: 429, retryAfter: '120' }) })
    const { tookMs } = await saved(world, 'n1')
    expect(tookMs).toBeGreaterThanOrEqual(120_000)
    expect(tookMs).toBeLessThan(200_000)
  })

  it('D8 brings a late request to the server though its sender has given up and sent it again', async () => {
    const world = await simulated({ faults: once({ type: 'late', thereMs: 25_000 }) })
    const { tookMs } = await saved(world, 'n1')
    expect([tookMs >= 10_000, tookMs < 20_000]).toEqual([true, true])
    await world.time.run(30_000)
    expect(told(world)).toEqual(['POST /note: late nothing', 'POST /note: as it is 201'])
    expect(world.server.effects()).toHaveLength(1)
  })

  it('D8 lets nothing leave while it is offline, tells the engine so, and that it is online again', async () => {
    const world = await simulated()
    world.network.setOnline(false)
    const states: boolean[] = []
    world.network.connectivity.watch((online) => states.push(online))
    const operation = await world.time.runUntil(world.engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} }))
    await world.time.run(600_000)
    expect([await operation.status(), world.network.connectivity.online(), world.server.effects().length]).toEqual([
      'queued',
      false,
      0,
    ])
    world.network.setOnline(true)
    expect(await world.time.runUntil(operation.settled)).toEqual({ status: 'done' })
    expect(states).toEqual([true])
  })

  it('D8 notes a request that nobody could send', async () => {
    const { network, time, server } = await simulated()
    network.setOnline(false)
    const transport = network.transport({ baseURL: server.baseURL })
    const fetched = await time.runUntil(transport.fetch('note', 'n1', { signal: new AbortController().signal }))
    expect(fetched).toMatchObject({ type: 'failed', error: { code: 'network' } })
    expect(told({ network })).toEqual(['GET /note/n1: offline ECONNREFUSED'])
  })

  it('D8 D1 answers everything as a captive portal, which the platform does not see and a probe does', async () => {
    const world = await simulated({ probes: true })
    world.network.setCaptive(true)
    const { connectivity } = world.network
    expect(connectivity.online()).toBe(true)
    expect(await world.time.runUntil(connectivity.probe!(new AbortController().signal))).toBe(false)
    const operation = await world.time.runUntil(world.engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} }))
    await world.time.run(5_000)
    expect(told(world)[0]).toBe('POST /note: portal-page 200')
    expect(world.server.effects()).toEqual([])
    world.network.setCaptive(false)
    expect(await world.time.runUntil(operation.settled)).toEqual({ status: 'done' })
    expect(createSimulatedNetwork().connectivity.probe).toBeUndefined()
  })

  it('D8 flaps: is up and down by turns, for as long as it may be, until faults are set anew', async () => {
    const outages = { upMs: [1_000, 3_000], downMs: [500, 2_000] } as const
    const { time, network } = await simulated({ faults: { rate: 0, outages } })
    const changes: [boolean, number][] = []
    network.connectivity.watch((online) => changes.push([online, time.elapsedMs()]))
    await time.run(60_000)
    expect(changes.length).toBeGreaterThan(20)
    changes.slice(1).forEach(([online, at], before) => {
      const [wasOnline, since] = changes[before]!
      const [min, max] = wasOnline ? outages.upMs : outages.downMs
      expect(online).toBe(!wasOnline)
      expect(at - since).toBeGreaterThanOrEqual(min)
      expect(at - since).toBeLessThanOrEqual(max)
    })
    network.setFaults(undefined)
    expect(network.connectivity.online()).toBe(true)
    const { length } = changes
    await time.run(60_000)
    expect(changes.length - length).toBeLessThanOrEqual(1)
  })

  it('D8 meets as many requests as the rate says, with faults of every type', async () => {
    const world = await simulated({ seed: 3, faults: { rate: 0.5 } }, { retry: { baseMs: 100, capMs: 1_000 }, coalesce: false })
    for (let at = 0; at < 60; at++) await saved(world, `n${at}`)
    const log = world.network.log()
    const met = log.filter(({ fault }) => fault !== undefined)
    expect(met.length / log.length).toBeGreaterThan(0.3)
    expect(met.length / log.length).toBeLessThan(0.7)
    expect(new Set(met.map(({ fault }) => fault?.type))).toEqual(new Set(NETWORK_FAULTS))
    expect(
      world.server
        .effects()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(Array.from({ length: 60 }, (_, at) => `n${at}`).toSorted())
  })

  it('D8 draws of the types that it may', async () => {
    const world = await simulated({ faults: { rate: 0.7, types: ['request-lost', 'late'] } })
    for (let at = 0; at < 10; at++) await saved(world, `n${at}`)
    const types = new Set(world.network.log().map(({ fault }) => fault?.type))
    expect(types).toEqual(new Set([undefined, 'request-lost', 'late']))
  })

  it('S30 does the same in the same order for the same seed, and something else for another', async () => {
    const run = async (seed: number) => {
      const world = await simulated({
        seed,
        latencyMs: [5, 60],
        faults: { rate: 0.4, outages: { upMs: [2_000, 9_000], downMs: [100, 4_000] } },
      })
      const operations = await world.time.runUntil(
        world.engine.enqueueAll(
          Array.from({ length: 12 }, (_, at) => ({ type: 'create', entity: 'note', id: `n${at}`, payload: {} })),
        ),
      )
      await world.time.runUntil(Promise.all(operations.map(({ settled }) => settled)))
      return [world.network.log(), world.server.effects(), world.engine.metrics(), world.time.elapsedMs()]
    }
    const first = await run(5)
    expect(await run(5)).toEqual(first)
    expect(await run(6)).not.toEqual(first)
  })

  it('D8 decides about a request by the request alone, whatever else is under way', async () => {
    const faultsOf = async (seed: number, others: number) => {
      const types = ['request-lost', 'error-after-effect'] as const
      const world = await simulated({ seed, faults: { rate: 0.6, types } }, { retry: { maxAttempts: 1_000 } })
      for (let at = 0; at < others; at++)
        void world.engine.enqueue({ type: 'create', entity: 'note', id: `other${at}`, payload: {} })
      await saved(world, 'n1')
      const key = world.server.effects().find(({ id }) => id === 'n1')?.idempotencyKey
      return world.network.log().flatMap(({ idempotencyKey, fault }) => (idempotencyKey === key ? [fault] : []))
    }
    let faults = 0
    for (let seed = 1; seed <= 8; seed++) {
      const alone = await faultsOf(seed, 0)
      expect(await faultsOf(seed, 20)).toEqual(alone)
      faults += alone.length - 1
    }
    expect(faults).toBeGreaterThan(3)
  })

  it('D8 refuses faults that there are not, naming the option', async () => {
    const { network } = await simulated()
    const wrong = [
      [{ rate: 1.5 }, 'faults.rate'],
      [{ rate: 0.1, types: ['sabotage'] }, 'faults.types'],
      [{ rate: 0.1, delayMaxMs: -1 }, 'faults.delayMaxMs'],
      [{ rate: 0.1, retryAfterMaxSeconds: 0.5 }, 'faults.retryAfterMaxSeconds'],
      [{ rate: 0.1, outages: { upMs: [5, 1], downMs: [1, 5] } }, 'faults.outages.upMs'],
    ] as const
    for (const [faults, path] of wrong) {
      expect(() => network.setFaults(faults as never)).toThrow(expect.objectContaining({ code: 'validation', path }))
    }
    expect(() => createSimulatedNetwork({ latencyMs: [10, 5] })).toThrow(/latencyMs/)
    expect(() => createSimulatedNetwork({ seed: Number.NaN })).toThrow(/seed/)
  })

  it('L10 leaves nothing scheduled after the engine has stopped and faults have ended', async () => {
    const world = await simulated({ faults: { rate: 0.3, outages: { upMs: [1_500, 4_000], downMs: [100, 900] } } })
    await saved(world, 'n1')
    world.network.setFaults(undefined)
    await world.time.runUntil(world.engine.stop())
    await world.time.run(60_000)
    await expect(world.time.runUntil(() => false)).rejects.toThrow('nothing is scheduled any more')
  })
})
