import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Storage, SyncEvent } from '../../src/index.ts'
import { LEASE, META, STORE_SCHEMA, type LeaseRow } from '../../src/core/schema.ts'
import type { AnyActorRef } from 'xstate'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

/** Takes the lease away from whoever has it, and gives it back to nobody. */
async function depose(): Promise<void> {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const lease = (await storage.get(META, LEASE))?.value as LeaseRow
  const next = { name: LEASE, owner: '', epoch: lease.epoch + 1, beat: 0, rev: lease.rev + 1 }
  await storage.commit([{ type: 'put', collection: META, value: next }])
  await storage.close()
}

async function lease(): Promise<LeaseRow> {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const entry = await storage.get(META, LEASE)
  await storage.close()
  return entry?.value as LeaseRow
}

/** A store whose next commit of an owner is answered only when the test says so. */
function slowStorage(when: 'before' | 'after') {
  const storage = world.storage()
  let proceed = (): void => {}
  let arrive = (): void => {}
  let armed = false
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  const proceeding = new Promise<void>((resolve) => (proceed = resolve))
  const commit: Storage['commit'] = async (writes, options) => {
    if (!armed || options?.fence === undefined) return storage.commit(writes, options)
    armed = false
    if (when === 'after') {
      const keys = await storage.commit(writes, options)
      arrive()
      await proceeding
      return keys
    }
    arrive()
    await proceeding
    return storage.commit(writes, options)
  }
  return { storage: { ...storage, commit }, arm: () => void (armed = true), arrived, proceed: () => proceed() }
}

describe('who hears of the lease', () => {
  it('C4 finds the engine as the event says', async () => {
    const engine = world.engine({ lock: { heartbeatMs: 20, staleMs: 1_000, pollMs: 10 } })
    const heard: unknown[] = []
    engine.on('lock:*', ({ type }) => void heard.push([type, engine.metrics().lock.owner]))
    await engine.start()
    await eventOf(engine, 'lock:acquired')
    const lost = eventOf(engine, 'lock:lost')
    await depose()
    await lost
    expect(heard.slice(0, 2)).toEqual([
      ['lock:acquired', true],
      ['lock:lost', false],
    ])
  })
})

describe('an owner that is deposed in the midst of a commit and owns again', () => {
  it.each(['before', 'after'] as const)('L5 S9 forgets no lane: the commit was answered late, %s it was done', async (when) => {
    const slow = slowStorage(when)
    const engine = await world.started({ storage: slow.storage })
    const first = await epochOf(eventOf(engine, 'lock:acquired'))
    await engine.flush()
    slow.arm()
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { n: 1 } })
    await slow.arrived
    await depose()
    const epoch = await epochOf(eventOf(engine, 'lock:acquired', isAfter(first)))
    slow.proceed()
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.server.ledger()).toHaveLength(1)
    expect((await lease()).epoch).toBe(epoch)
    expect(engine.history().filter(({ type }) => type === 'lock:lost')).toHaveLength(1)
  })
})

describe('flush()', () => {
  it('L5 of a follower ends also when it becomes the owner meanwhile', async () => {
    let arrive = (): void => {}
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    world.intercept(async () => {
      arrive()
      return new Promise<never>(() => {})
    })
    const owner = await world.started({ stopTimeoutMs: 50 })
    await eventOf(owner, 'lock:acquired')
    await owner.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { n: 1 } })
    await arrived
    const follower = await world.started()
    const flushed = follower.flush()
    world.intercept(undefined)
    await owner.stop()
    expect(await flushed).toMatchObject({ succeeded: 1 })
  })
})

describe('a part that dies while the engine owns', () => {
  it('L5 is reported; the engine owns its own lease again without waiting until it is stale, and goes on', async () => {
    const parts = new Map<string, AnyActorRef>()
    const engine = await world.started({
      lock: { heartbeatMs: 10_000, staleMs: 120_000, pollMs: 50 },
      inspect: ({ actorRef }) => void parts.set('id' in actorRef ? String(actorRef.id) : '', actorRef as AnyActorRef),
    })
    const first = await epochOf(eventOf(engine, 'lock:acquired'))
    parts.get('breaker')?.send({ type: 'FAILURE', at: 0 })
    parts.get('breaker')?.send({ type: 'FAILURE', at: Symbol('no time') })
    await eventOf(engine, 'engine:error', (event) => event.type === 'engine:error' && event.part === 'breaker')
    expect(await epochOf(eventOf(engine, 'lock:acquired', isAfter(first)))).toBe(first + 1)
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('L2 L10 a stop before the parts are started anew releases the lease all the same', async () => {
    const parts = new Map<string, AnyActorRef>()
    const engine = await world.started({
      inspect: ({ actorRef }) => void parts.set('id' in actorRef ? String(actorRef.id) : '', actorRef as AnyActorRef),
    })
    const epoch = await epochOf(eventOf(engine, 'lock:acquired'))
    parts.get('breaker')?.send({ type: 'FAILURE', at: 0 })
    parts.get('breaker')?.send({ type: 'FAILURE', at: Symbol('no time') })
    await eventOf(engine, 'engine:error')
    await engine.stop()
    expect(await lease()).toMatchObject({ owner: '', epoch })
  })
})

async function epochOf(acquired: Promise<SyncEvent>): Promise<number> {
  const event = await acquired
  return event.type === 'lock:acquired' ? event.epoch : NaN
}

function isAfter(epoch: number): (event: SyncEvent) => boolean {
  return (event) => event.type === 'lock:acquired' && event.epoch > epoch
}
