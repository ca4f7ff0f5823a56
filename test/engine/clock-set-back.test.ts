import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RateLimitError, StorageQuotaError, type Clock, type Outcome } from '../../src/index.ts'
import { faultyStorage, records } from '../support/faulty-storage.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

const HOUR_MS = 3_600_000
const WAIT_MS = 10_000

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = { type: 'create', entity: 'note', id: 'n1', payload: {} } as const

/** An engine on a device whose wall clock can be set; its first operation has been told to wait. */
async function waiting({ unwritten = false, pauses = false } = {}) {
  const virtual = createVirtualClock(1_000 * HOUR_MS)
  let skewMs = 0
  const clock: Clock = { ...virtual, now: () => virtual.now() + skewMs }
  const setClock = (byMs: number): void => void (skewMs += byMs)
  world.intercept(async (_, send, count) => {
    if (count > 1) return send()
    if (pauses) {
      engine.pause('test')
      setClock(HOUR_MS)
    }
    return later()
  })
  const storage = faultyStorage(world.storage())
  const options = { ports: { clock }, retry: { strategy: 'constant', baseMs: 1 } } as const
  const engine = await world.started({ ...options, storage })
  if (unwritten)
    storage.failCommits((writes) =>
      records(writes, 'waiting') ? new StorageQuotaError({ cause: new Error('full') }) : undefined,
    )
  const operation = await engine.enqueue(create)
  await eventOf(engine, unwritten ? 'storage:error' : 'sync:retry')
  return { engine, operation, virtual, storage, options, setClock }
}

function later(): Outcome {
  return { type: 'retry', retryAfterMs: WAIT_MS, error: new RateLimitError('Later.', { status: 429 }) }
}

describe('what waits for a time, when the clock is set back', () => {
  it('L1 S22 goes on after its own delay, counted from then, and not an hour later', async () => {
    const { engine, operation, virtual, setClock } = await waiting()
    setClock(-HOUR_MS)
    await engine.flush()
    expect(world.attempts).toHaveLength(1)
    await virtual.advance(WAIT_MS - 100)
    await engine.flush()
    expect(world.attempts).toHaveLength(1)
    await virtual.advance(200)
    expect((await operation.settled).status).toBe('done')
  })

  it('L1 goes on as well if the clock was ahead no longer than the engine was paused', async () => {
    const { engine, operation, virtual, setClock } = await waiting({ pauses: true })
    setClock(-HOUR_MS)
    engine.resume('test')
    await engine.flush()
    await virtual.advance(WAIT_MS + 100)
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('L1 goes on as well if it was right again before the wait was written', async () => {
    const { engine, operation, virtual, setClock, storage } = await waiting({ unwritten: true, pauses: true })
    setClock(-HOUR_MS)
    await virtual.advance(1_500)
    storage.failCommits(undefined)
    engine.resume('test')
    await virtual.advance(2 * WAIT_MS)
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('L1 goes on as well if that was done while no engine ran', async () => {
    const { engine, operation, virtual, options, setClock } = await waiting()
    await engine.stop()
    setClock(-HOUR_MS)
    const next = await world.started(options)
    await eventOf(next, 'lock:acquired')
    await next.flush()
    await virtual.advance(WAIT_MS + 100)
    expect((await next.operations.handle(operation.id).settled).status).toBe('done')
  })

  it('L1 goes on as well if that was done before the wait was written', async () => {
    const { operation, virtual, setClock, storage } = await waiting({ unwritten: true })
    setClock(-HOUR_MS)
    await virtual.advance(1_500)
    storage.failCommits(undefined)
    await virtual.advance(2 * WAIT_MS)
    expect((await operation.settled).status).toBe('done')
  })

  it('S22 keeps its time if the clock was only corrected by a little', async () => {
    const { engine, virtual, setClock } = await waiting()
    setClock(-500)
    await engine.flush()
    await virtual.advance(WAIT_MS - 100)
    await engine.flush()
    expect(world.attempts).toHaveLength(1)
  })
})
