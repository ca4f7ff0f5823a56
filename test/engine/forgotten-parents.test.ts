import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ClientError,
  DEFAULTS,
  NetworkError,
  type EnqueueInput,
  type Outcome,
  type Storage,
  type SyncEngine,
} from '../../src/index.ts'
import { STORE_SCHEMA } from '../../src/core/schema.ts'
import { markParents } from '../../src/engine/dependencies.ts'
import { forgetEnded } from '../../src/engine/maintenance.ts'
import { createStore } from '../../src/engine/store.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
let handle: Storage
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
  handle = world.storage()
  await handle.open(STORE_SCHEMA)
})
afterEach(async () => {
  await handle.close()
  await world.close()
})

const UNKNOWN: Outcome = { type: 'unknown', error: new NetworkError('Lost.') }
const REFUSED: Outcome = { type: 'rejected', definite: true, error: new ClientError('Never.', { status: 422 }) }

const create = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })
const update = (id: string, dependsOn: readonly string[] = []): EnqueueInput => ({
  type: 'update',
  entity: 'note',
  id,
  payload: { n: 1 },
  dependsOn,
})

/** In the name of who owns the lease. */
async function forget(storage: Storage = handle): Promise<number> {
  const store = createStore(storage)
  const { epoch = 0 } = (await store.lease()) ?? {}
  return forgetEnded(store, { ...DEFAULTS.retention, completedMs: 0, completedCount: 0 }, epoch, Date.now())
}

/** An engine with a lane `blocked`, at the head of which something waits for a decision. */
async function withBlockedLane(): Promise<{ engine: SyncEngine; head: string }> {
  const engine = await world.started({ retry: { strategy: 'constant', baseMs: 1, maxAttempts: 1 } })
  world.intercept(async ({ request }, send) => {
    if (request.path === '/note/blocked') return UNKNOWN
    return request.body?.includes('"bad') === true || request.path === '/note/bad' ? REFUSED : send()
  })
  const { id } = await engine.enqueue(update('blocked'))
  await eventOf(engine, 'sync:parked')
  return { engine, head: id }
}

async function rejectedParent(engine: SyncEngine): Promise<string> {
  const { id, settled } = await engine.enqueue(create('bad'))
  expect(await settled).toMatchObject({ status: 'rejected' })
  return id
}

async function cancelledParent(engine: SyncEngine): Promise<string> {
  engine.pause('test')
  const { id } = await engine.enqueue(create('cancelled'))
  await engine.operations.discard(id)
  engine.resume('test')
  return id
}

async function supersededParent(engine: SyncEngine): Promise<string> {
  engine.pause('test')
  const { id } = await engine.enqueue(create('bad'))
  const successor = await engine.enqueue(update('bad'))
  engine.resume('test')
  expect(await successor.settled).toMatchObject({ status: 'rejected' })
  await engine.operations.discard(successor.id)
  return id
}

describe('an operation that ended otherwise than done', () => {
  it.each([
    ['rejected', rejectedParent, true],
    ['cancelled', cancelledParent, false],
    ['merged into one that was rejected', supersededParent, false],
  ])('S9 B8 and was %s is remembered as long as another that depends on it is queued', async (_, made, isLetter) => {
    const { engine, head } = await withBlockedLane()
    const parent = await made(engine)
    const child = await engine.enqueue(update('blocked', [parent]))
    if (isLetter) await engine.operations.discard(parent)
    for (let times = 0; times < 3; times++) await forget()
    expect(await engine.operations.get(parent)).toBeDefined()
    await engine.operations.discard(head)
    expect(await child.settled).toMatchObject({ status: 'rejected', error: { code: 'dependency-failed' } })
    expect(world.attempts.filter(({ request }) => request.path === '/note/blocked')).toHaveLength(1)
    for (let times = 0; times < 3; times++) await forget()
    expect(await engine.operations.get(parent)).toBeUndefined()
  })

  it('S9 B8 B7 is remembered as long as another that depends on it waits for its time, and has never been sent', async () => {
    const { engine } = await withBlockedLane()
    const parent = await rejectedParent(engine)
    const child = await engine.enqueue({ ...update('later', [parent]), notBefore: Date.now() + 3_600_000 })
    await engine.operations.discard(parent)
    for (let times = 0; times < 3; times++) await forget()
    expect(await engine.operations.get(parent)).toBeDefined()
    await engine.operations.discard(child.id)
    for (let times = 0; times < 3; times++) await forget()
    expect(await engine.operations.get(parent)).toBeUndefined()
  })

  it('S9 B8 is remembered if somebody comes to depend on it while it is being forgotten', async () => {
    const { engine, head } = await withBlockedLane()
    const parent = await rejectedParent(engine)
    await engine.operations.discard(parent)
    let child = ''
    const interrupted: Storage = {
      ...handle,
      async scan(collection, query) {
        const page = await handle.scan(collection, query)
        if (query.index === 'rank' && child === '') child = (await engine.enqueue(update('blocked', [parent]))).id
        return page
      },
    }
    await forget(interrupted)
    await engine.operations.discard(head)
    expect(await engine.operations.handle(child).settled).toMatchObject({ error: { code: 'dependency-failed' } })
  })

  it('S9 B8 can not be depended on once it is forgotten, be it while it is looked up', async () => {
    const { engine } = await withBlockedLane()
    const parent = await rejectedParent(engine)
    await engine.operations.discard(parent)
    const store = createStore(handle)
    const row = await store.byId(parent)
    const { expect: conditions } = await markParents(store, [{ ...row!, id: 'child', dependsOn: [parent] }])
    await forget()
    await expect(handle.commit([], { expect: conditions })).rejects.toMatchObject({ name: 'StorageConflictError' })
    await expect(engine.enqueue(update('blocked', [parent]))).rejects.toMatchObject({ code: 'unknown-dependency' })
  })

  it('C3 is forgotten at once if nobody waits for it', async () => {
    const { engine } = await withBlockedLane()
    const parents = [await rejectedParent(engine), await cancelledParent(engine)]
    await engine.operations.discard(parents[0]!)
    await engine.enqueue(update('blocked'))
    expect(await forget()).toBe(2)
    for (const id of parents) expect(await engine.operations.get(id)).toBeUndefined()
  })
})
