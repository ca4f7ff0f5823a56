import { createServer } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { drain } from '../../src/adapters/service-worker/drain.ts'
import {
  drainOnSync,
  registerDrain,
  type DrainOnSyncOptions,
  type RegisterDrainOptions,
} from '../../src/adapters/service-worker/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { NetworkError } from '../../src/core/errors.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import type { SyncEngine } from '../../src/index.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
afterEach(() => world.close())

const create = (id: string) => ({ type: 'create', entity: 'note', id, payload: { title: id } })

/** Leaves operations in the store, as a page that was closed does. */
async function leftBehind(ids: readonly string[]): Promise<void> {
  const page = await world.started()
  page.pause('test')
  await page.enqueueAll(ids.map(create))
  await page.stop()
}

/** A worker that drains on an event; what sends it one, and the works that it was to wait for. */
function listening(options: DrainOnSyncOptions): { readonly works: readonly Promise<unknown>[]; readonly sync: () => void } {
  const works: Promise<unknown>[] = []
  const worker = new EventTarget()
  vi.stubGlobal('addEventListener', worker.addEventListener.bind(worker))
  drainOnSync(options)
  vi.unstubAllGlobals()
  const waitUntil = (work: Promise<unknown>): number => works.push(work)
  return { works, sync: () => void worker.dispatchEvent(Object.assign(new Event('sync'), { tag: 'notes', waitUntil })) }
}

describe('a drain in the background', () => {
  it('E9 sends what was left, also what fails at first, and leaves no engine running', async () => {
    world = await createWorld()
    await leftBehind(['a', 'b', 'c'])
    world.server.setFaults({ rate: 1, weights: { unavailable: 1 }, retryAfterMaxSeconds: 0 })
    const engine = world.engine()
    let refused = 0
    engine.on('sync:retry', () => {
      refused += 1
      if (refused === 3) world.server.setFaults(undefined)
    })
    await drain(engine, 20_000, systemClock)
    expect(Object.keys(world.notes()).toSorted()).toEqual(['a', 'b', 'c'])
    expect(world.server.ledger()).toHaveLength(3)
    await expect(engine.enqueue(create('d'))).rejects.toMatchObject({ code: 'not-started' })
  })

  it('E9 fails, so that it is tried again, when the next attempt is due too late', async () => {
    world = await createWorld()
    await leftBehind(['a'])
    world.server.setFaults({ rate: 1, weights: { unavailable: 1 } })
    const engine = world.engine({ retry: { strategy: 'constant', baseMs: 60_000, capMs: 60_000 } })
    await expect(drain(engine, 5_000, systemClock)).rejects.toMatchObject({ code: 'drain-incomplete', retryable: true })
  })

  it('E9 fails at once while sending is paused', async () => {
    world = await createWorld()
    await leftBehind(['a'])
    const engine = world.engine()
    engine.pause('metered')
    await expect(drain(engine, 60_000, systemClock)).rejects.toThrow('metered')
  })

  it('E9 L10 ends in time where the server is silent', async () => {
    world = await createWorld()
    await leftBehind(['a'])
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const engine = world.engine({ transport: httpTransport({ baseURL: `http://127.0.0.1:${port}` }), stopTimeoutMs: 50 })
    await expect(drain(engine, 300, systemClock)).rejects.toThrow('after 300 ms')
    silent.closeAllConnections()
    silent.close()
    await drain(world.engine(), 20_000, systemClock)
    expect(world.server.ledger()).toHaveLength(1)
  })

  it('E9 rests while the breaker holds up what is due', async () => {
    world = await createWorld()
    await leftBehind(['a', 'b'])
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const engine = world.engine({ breaker: { failureThreshold: 1, cooldownMs: 60_000 } })
    let flushes = 0
    const counted: SyncEngine = { ...engine, flush: () => ((flushes += 1), engine.flush()) }
    await expect(drain(counted, 2_500, systemClock)).rejects.toMatchObject({ code: 'drain-incomplete' })
    expect(engine.history()).toContainEqual(expect.objectContaining({ type: 'breaker:opened' }))
    expect(flushes).toBeLessThan(6)
  })

  it('E9 does not wait for a decision, nor for what stands behind it', async () => {
    world = await createWorld()
    await leftBehind(['a', 'b'])
    const before = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 } })
    world.intercept(async ({ request }, send) => {
      const outcome = await send()
      const isSick = request.body?.includes('"a"') === true && outcome.type === 'applied'
      return isSick ? { type: 'unknown', error: new NetworkError('Lost.') } : outcome
    })
    await before.flush()
    await before.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { n: 1 } })
    await before.stop()
    await drain(world.engine(), 20_000, systemClock)
    const after = await world.started()
    expect((await after.operations.list()).map(({ status }) => status)).toEqual(['parked', 'queued'])
  })

  it('E9 sends what is put off though more than can be listed wait for decisions', async () => {
    world = await createWorld({ store: 'memory' })
    const before = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 } })
    const lost = { type: 'unknown', error: new NetworkError('Lost.') } as const
    world.intercept(async () => lost)
    await before.enqueueAll(Array.from({ length: 1_000 }, (_, n) => create(`a${n}`)))
    await before.flush()
    expect(await before.operations.count('parked')).toBe(1_000)
    await before.stop()
    await leftBehind(['z'])
    let attempts = 0
    world.intercept(async (_, send) => (++attempts === 1 ? lost : send()))
    await drain(world.engine(), 20_000, systemClock)
    expect(Object.keys(world.notes())).toEqual(['z'])
  })

  it('E9 does not wait for what depends on something that waits for a decision', async () => {
    world = await createWorld()
    const before = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 } })
    world.intercept(async ({ request }, send) => {
      const isSick = request.body?.includes('"a"') === true
      return isSick ? { type: 'unknown', error: new NetworkError('Lost.') } : send()
    })
    const parent = await before.enqueue(create('a'))
    await before.flush()
    const child = await before.enqueue({ ...create('b'), dependsOn: [parent.id] })
    await before.enqueue({ ...create('c'), dependsOn: [child.id] })
    await before.enqueue({ type: 'update', entity: 'note', id: 'c', payload: { n: 1 } })
    await before.transaction(async (tx) => {
      tx.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { n: 1 } })
      tx.enqueue(create('d'))
    })
    await before.enqueue(create('e'))
    await before.stop()
    await drain(world.engine(), 20_000, systemClock)
    const after = await world.started()
    expect((await after.operations.list({ status: 'live' })).map(({ entityId }) => entityId)).toEqual([
      'a',
      'b',
      'c',
      'c',
      'a',
      'd',
    ])
  })

  it('E9 L5 is done once more for an event that comes while one ends', async () => {
    world = await createWorld()
    await leftBehind(['a'])
    let stops = 0
    const createEngine = (): SyncEngine => {
      const engine = world.engine()
      const stop = async (): Promise<void> => {
        await engine.stop()
        if (stops++ > 0) return
        await leftBehind(['b'])
        sync()
      }
      return { ...engine, stop }
    }
    const { works, sync } = listening({ createEngine, tag: 'notes' })
    sync()
    await works[0]
    await works[1]
    expect(Object.keys(world.notes()).toSorted()).toEqual(['a', 'b'])
    expect([works.length, stops]).toEqual([2, 2])
  })

  it('E9 L10 ends in time where the engine is never made, and holds up no later event', async () => {
    world = await createWorld()
    await leftBehind(['a'])
    let asked = 0
    const { works, sync } = listening({
      createEngine: () => (asked++ === 0 ? new Promise<SyncEngine>(() => {}) : world.engine()),
      tag: 'notes',
      timeoutMs: 5_000,
    })
    sync()
    await expect(works[0]).rejects.toMatchObject({ code: 'drain-incomplete' })
    sync()
    await works[1]
    expect(Object.keys(world.notes())).toEqual(['a'])
  })

  it('E9 L10 stops an engine that is made after its time: nobody waits for it any more', async () => {
    world = await createWorld()
    const engine = world.engine()
    await engine.start()
    let made = (_: SyncEngine): void => {}
    const late = new Promise<SyncEngine>((resolve) => (made = resolve))
    await expect(drain(late, 1, systemClock)).rejects.toMatchObject({ code: 'drain-incomplete' })
    const stopped = eventOf(engine, 'engine:stopped')
    made(engine)
    await stopped
  })

  it('E9 has nothing to do in an empty store', async () => {
    world = await createWorld()
    await drain(world.engine(), 20_000, systemClock)
    expect(world.attempts).toEqual([])
  })

  it.each([
    [undefined, 'drainOnSync'],
    [{ tag: 'a' }, 'createEngine'],
    [{ createEngine: () => world.engine(), tag: '' }, 'tag'],
    [{ createEngine: () => world.engine(), tag: 'a', periodicTag: 1 }, 'periodicTag'],
    [{ createEngine: () => world.engine(), tag: 'a', timeoutMs: 0 }, 'timeoutMs'],
  ])('E9 refuses %o, naming %s', async (options, name) => {
    world = await createWorld()
    expect(() => drainOnSync(options as DrainOnSyncOptions)).toThrow(name)
  })

  it.each([undefined, null, {}, () => {}])('E9 B1 registers nothing for %o in the place of an engine', async (engine) => {
    world = await createWorld()
    expect(() => registerDrain(engine as SyncEngine, { tag: 'a' })).toThrow(
      expect.objectContaining({ code: 'validation', path: 'engine' }),
    )
  })

  it.each([
    [undefined, 'registerDrain'],
    [{ tag: 7 }, 'tag'],
    [{ tag: 'a', onRefused: 'loudly' }, 'onRefused'],
    [{ tag: 'a', periodic: 'b' }, 'periodic'],
    [{ tag: 'a', periodic: { tag: 'b' } }, 'periodic.minIntervalMs'],
    [{ tag: 'a', periodic: { tag: 'b', minIntervalMs: Number.NaN } }, 'periodic.minIntervalMs'],
  ])('E9 B1 registers nothing for %o, naming %s', async (options, path) => {
    world = await createWorld()
    expect(() => registerDrain(world.engine(), options as RegisterDrainOptions)).toThrow(
      expect.objectContaining({ code: 'validation', path }),
    )
  })
})
