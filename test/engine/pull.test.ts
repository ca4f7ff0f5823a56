import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  AuthenticationError,
  NetworkError,
  ServerError,
  StorageUnavailableError,
  type Change,
  type Connectivity,
  type EnqueueInput,
  type Outcome,
  type Pulled,
  type PullRequest,
  type Storage,
  type SyncProgress,
  type SyncQuery,
  type Transport,
  type Write,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { pullRequestsName, readPullRequests } from '../../src/core/pull-request-row.ts'
import { pullRowName } from '../../src/core/pull-row.ts'
import { ENTITIES, isRecord, META } from '../../src/core/schema.ts'
import { openDatabase } from '../../src/server/database.ts'
import { faultyStorage, unavailableOnce } from '../support/faulty-storage.ts'
import { elsewhere } from '../support/other-client.ts'
import { createVirtualClock, settle } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, payload: object): EnqueueInput => ({ type: 'create', entity: 'note', id, payload })
const update = (id: string, payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id, payload })

/** A transport whose pages come from the server unless the test makes them. */
function pulling(page: (request: PullRequest, pull: () => Promise<Pulled>, count: number) => Promise<Pulled>): Transport {
  const real = httpTransport({ baseURL: world.url })
  let count = 0
  return { ...real, pull: (request, context) => page(request, () => real.pull!(request, context), ++count) }
}

/** Its pages come from the server; the next one after `hold` stays on its way until `release`. */
function withLatePage() {
  const [reached, released] = [signal(), signal()]
  let isHeld = false
  const transport = pulling(async (_, pull) => {
    const page = await pull()
    if (!isHeld) return page
    isHeld = false
    reached.tell()
    await released.isTold
    return page
  })
  return { transport, hold: () => void (isHeld = true), reached: reached.isTold, release: released.tell }
}

function versionAlone(outcome: Outcome): Outcome {
  return outcome.type === 'applied' ? { type: 'applied', version: outcome.version } : outcome
}

function answersPull(write: Write): boolean {
  return write.type === 'put' && write.collection === META && isRecord(write.value) && write.value['answers'] !== undefined
}

const empty: Pulled = { type: 'page', changes: [], unusable: [], cursor: 'end', hasMore: false }

const loops = [
  ['repeats a cursor', { ...empty, changes: [{ id: 'a', version: '1', value: {} }], cursor: 'same', hasMore: true }],
  ['sends an empty page with more', { ...empty, cursor: 'next', hasMore: true }],
] satisfies [string, Pulled][]

/** By nobody who would go on with it. */
async function takenOver(): Promise<void> {
  const database = await openDatabase(world.path)
  try {
    database.exec(`UPDATE meta SET value = json_set(value, '$.owner', 'somebody', '$.epoch', json_extract(value, '$.epoch') + 1,
      '$.rev', json_extract(value, '$.rev') + 1)
      WHERE name = 'lease'`)
  } finally {
    database.close()
  }
}

async function fill(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await elsewhere(world, 'POST', '/note', { id: `n${n}`, title: `note ${n}` })
}

describe('a pull', () => {
  it('B11 B12 brings what others wrote page by page, then only what is new, tombstones too', async () => {
    await fill(25)
    const engine = await world.started({ pull: { pageSize: 10 } })
    const first = await engine.synchronize()
    expect(first.pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await engine.view('note').list()).toHaveLength(25)
    expect(engine.history().filter(({ type }) => type === 'pull:progress')).toHaveLength(3)
    await elsewhere(world, 'PATCH', '/note/n3', { title: 'changed' })
    await elsewhere(world, 'DELETE', '/note/n4')
    await engine.synchronize({ entity: 'note' })
    expect(await engine.view('note').get('n3')).toMatchObject({ value: { title: 'changed' }, status: 'synced' })
    expect(await engine.view('note').get('n4')).toBeUndefined()
    expect(engine.history().findLast(({ type }) => type === 'pull:progress')).toMatchObject({ done: 2 })
  })

  it('B12 never overwrites what is pending, and E2 derives the view anew on top of what came', async () => {
    await fill(1)
    const engine = await world.started()
    await engine.synchronize()
    engine.pause('test')
    await engine.enqueue({ type: 'update', entity: 'note', id: 'n0', payload: { title: 'ours' } })
    await elsewhere(world, 'PATCH', '/note/n0', { title: 'theirs', body: 'theirs' })
    world.intercept(async (_, send) => send())
    const held = await engine.synchronize()
    expect(held.pulled).toEqual([{ entity: 'note', isComplete: false }])
    expect((await engine.view('note').get('n0'))?.value).toMatchObject({ title: 'ours' })
  })

  it('S19 an older page that comes after the answer to our own write does not bring the older value back', async () => {
    await fill(1)
    const { transport, hold, reached, release } = withLatePage()
    const engine = await world.started({ transport })
    await engine.synchronize()
    await elsewhere(world, 'PATCH', '/note/n0', { title: 'theirs' })
    hold()
    const pulled = engine.synchronize()
    await reached
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'n0', payload: { title: 'ours' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    release()
    await pulled
    expect(await engine.view('note').get('n0')).toMatchObject({ value: { title: 'ours' }, version: '3' })
  })

  it.each<[string, EnqueueInput, object]>([
    ['update', { type: 'update', entity: 'note', id: 'n0', payload: { body: 'ours' } }, { title: 'note 0', body: 'ours' }],
    ['replace', { type: 'replace', entity: 'note', id: 'n0', payload: { body: 'ours' } }, { body: 'ours' }],
  ])('S14 keeps what an %s wrote where the answer tells its version alone', async (_, input, expected) => {
    await fill(1)
    const engine = await world.started()
    await engine.synchronize()
    world.intercept(async (_attempt, send) => versionAlone(await send()))
    expect(await (await engine.enqueue(input)).settled).toEqual({ status: 'done' })
    const stored = { value: expect.objectContaining({ id: 'n0', ...expected }), version: '2', status: 'synced' }
    expect(await engine.view('note').get('n0')).toMatchObject(stored)
    await engine.synchronize()
    expect(await engine.view('note').get('n0')).toMatchObject(stored)
  })

  it('S19 a deletion that is answered without a version does not take away what was pulled since it was sent', async () => {
    let answer = (): void => {}
    const answered = new Promise<void>((resolve) => (answer = resolve))
    // As a server answers again what it answered first: that there was no such note.
    world.intercept(async () => {
      await answered
      return { type: 'applied' }
    })
    const engine = await world.started({ pull: { everyMs: 100 } })
    const operation = await engine.enqueue({ type: 'delete', entity: 'note', id: 'a' })
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'theirs' })
    await eventOf(engine, 'pull:progress', (event) => 'done' in event && event.done === 1)
    answer()
    await operation.settled
    expect(await engine.view('note').get('a')).toMatchObject({ value: { title: 'theirs' } })
  })

  it('S19 a page that was asked for before does not take the place of what an answer told by its version alone', async () => {
    const { transport, hold, reached, release } = withLatePage()
    const engine = await world.started({ transport })
    await engine.synchronize()
    await fill(1)
    hold()
    const late = engine.synchronize()
    await reached
    world.intercept(async (_attempt, send) => versionAlone(await send()))
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'n0', payload: { title: 'ours' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    release()
    await late
    expect((await engine.view('note').get('n0'))?.version).not.toBe('1')
    await engine.synchronize()
    expect(await engine.view('note').get('n0')).toMatchObject({ value: { title: 'ours' }, version: '2' })
  })

  it('B12 S19 brings what the server added to a write whose answer told its version alone', async () => {
    await fill(1)
    const engine = await world.started()
    await engine.synchronize()
    world.intercept(async () => {
      await elsewhere(world, 'PATCH', '/note/n0', { title: 'ours', slug: 'by-the-server' })
      return { type: 'applied', version: '2' }
    })
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'n0', payload: { title: 'ours' } })
    await operation.settled
    await engine.synchronize()
    expect(await engine.view('note').get('n0')).toMatchObject({ value: { title: 'ours', slug: 'by-the-server' }, version: '2' })
  })

  it('S18 goes on at the page it was on after a restart', async () => {
    await fill(30)
    const requests: (string | undefined)[] = []
    const failing = pulling(async ({ cursor }, pull, count) => {
      requests.push(cursor)
      return count === 2 ? { type: 'failed', error: new ServerError('down') } : pull()
    })
    const first = await world.started({ transport: failing, pull: { pageSize: 10 } })
    expect((await first.synchronize()).pulled).toMatchObject([{ isComplete: false, error: { code: 'server' } }])
    await first.stop()
    const second = await world.started({
      transport: pulling(async ({ cursor }, pull) => (requests.push(cursor), pull())),
      pull: { pageSize: 10 },
    })
    await second.synchronize()
    expect(requests[0]).toBeUndefined()
    expect(requests.slice(1).every((cursor) => cursor !== undefined)).toBe(true)
    expect(await second.view('note').list()).toHaveLength(30)
  })

  it('S21 full: true and an expired cursor pull everything again, keep what is pending and show no gap meanwhile', async () => {
    await fill(12)
    let isExpired = false
    const transport = pulling(async ({ cursor }, pull) => {
      if (!isExpired || cursor === undefined) return pull()
      isExpired = false
      return { type: 'expired', error: new ServerError('gone') }
    })
    const engine = await world.started({ transport, pull: { pageSize: 5 } })
    await engine.synchronize()
    const sizes = new Set<number>()
    const subscription = engine
      .view('note')
      .watch()
      .subscribe((all) => sizes.add(all.length))
    await engine.view('note').list()
    await elsewhere(world, 'DELETE', '/note/n1')
    isExpired = true
    await engine.synchronize()
    await engine.synchronize({ full: true })
    subscription.unsubscribe()
    expect(Math.min(...sizes)).toBe(11)
    expect((await engine.view('note').list()).map(({ id }) => id)).not.toContain('n1')
  })

  it('B12 asks with the ETag, and writes nothing where nothing has changed', async () => {
    await fill(1)
    const etags: (string | undefined)[] = []
    const answers: string[] = []
    const transport = pulling(async ({ etag }, pull) => {
      etags.push(etag)
      const pulled = await pull()
      answers.push(pulled.type)
      return pulled
    })
    const engine = await world.started({ transport })
    await engine.synchronize()
    await engine.synchronize()
    expect(etags[0]).toBeUndefined()
    expect(etags[1]).toMatch(/^".+"$/)
    expect(answers).toEqual(['page', 'unchanged'])
  })

  it.each(loops)('L8 a server that %s gets an error, not a loop', async (_, page) => {
    let count = 0
    const engine = await world.started({
      transport: pulling(async () => (count++, page)),
      retry: { strategy: 'constant', baseMs: 60_000, capMs: 60_000 },
    })
    const { pulled } = await engine.synchronize()
    expect(pulled).toMatchObject([{ isComplete: false, error: { code: 'pull-loop' } }])
    expect(count).toBeLessThan(4)
  })

  it('B16 leaves out the one change that can not be used, keeps what is stored of it, and tells of it', async () => {
    await fill(2)
    const engine = await world.started({
      transport: pulling(async (request, pull) => {
        const pulled = await pull()
        if (pulled.type !== 'page' || request.cursor === undefined) return pulled
        return { ...pulled, changes: [], unusable: [{ id: 'n0', error: new ServerError('bad', { code: 'unusable-change' }) }] }
      }),
    })
    await engine.synchronize()
    await elsewhere(world, 'PATCH', '/note/n0', { title: 'changed' })
    await engine.synchronize()
    expect(engine.history().filter(({ type }) => type === 'pull:quarantined')).toMatchObject([{ entity: 'note', id: 'n0' }])
    expect(await engine.view('note').get('n0')).toMatchObject({ value: { title: 'note 0' } })
  })

  it('B16 a page of nothing that can be used does not keep the pages after it', async () => {
    await fill(3)
    const engine = await world.started({
      pull: { pageSize: 1 },
      transport: pulling(async (_, pull) => {
        const pulled = await pull()
        if (pulled.type !== 'page' || pulled.changes[0]?.id !== 'n0') return pulled
        return { ...pulled, changes: [], unusable: [{ id: 'n0', error: new ServerError('bad', { code: 'unusable-change' }) }] }
      }),
    })
    const { pulled } = await engine.synchronize()
    expect(pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['n1', 'n2'])
  })

  it('E1 a tab that does not own the lease asks the owner, and sees what came', async () => {
    await fill(3)
    const owner = await world.started()
    const follower = await world.started()
    const { pulled } = await follower.synchronize()
    expect(pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await follower.view('note').list()).toHaveLength(3)
    expect(owner.history().some(({ type }) => type === 'pull:completed')).toBe(true)
    expect(follower.history().some(({ type }) => type === 'pull:completed')).toBe(false)
  })

  it('B12 pulls by itself from the start on, and again after everyMs', async () => {
    await fill(1)
    const engine = await world.started({ pull: { everyMs: 100 } })
    await eventOf(engine, 'pull:completed')
    await elsewhere(world, 'PATCH', '/note/n0', { title: 'changed' })
    const changed = eventOf(engine, 'entity:updated')
    await engine.view('note').list()
    await changed
    expect(await engine.view('note').get('n0')).toMatchObject({ value: { title: 'changed' } })
  })

  it('B9 tells its progress with total, percentage and time remaining, though only the first page says how much there is', async () => {
    await fill(6)
    const engine = await world.started({ pull: { pageSize: 2 } })
    const seen: SyncProgress[] = []
    engine.progress$.subscribe((progress) => seen.push(progress))
    await engine.synchronize()
    expect(seen.map(({ phase, percentage }) => `${phase} ${percentage ?? ''}`.trim())).toEqual([
      'idle',
      'pushing',
      'pulling',
      'pulling 33',
      'pulling 66',
      'pulling 100',
      'idle',
    ])
    expect(seen.filter(({ total }) => total === 6).every(({ remainingMs }) => (remainingMs ?? -1) >= 0)).toBe(true)
    expect(seen.find(({ percentage }) => percentage === 100)?.remainingMs).toBe(0)
    seen.length = 0
    await elsewhere(world, 'PATCH', '/note/n0', { title: 'changed' })
    await engine.synchronize()
    expect(seen.find(({ done }) => done === 1)).toEqual({ phase: 'pulling', entity: 'note', done: 1 })
  })

  it('B9 B11 knows after a restart what the first page said, and reckons the time remaining by its own pace', async () => {
    await fill(8)
    const first = await world.started({
      transport: pulling(async (_, pull, count) => (count === 3 ? { type: 'failed', error: new ServerError('down') } : pull())),
      pull: { pageSize: 2 },
      retry: { strategy: 'constant', baseMs: 60_000, capMs: 60_000 },
    })
    await first.synchronize()
    await first.stop()
    const second = await world.started({ pull: { pageSize: 2 } })
    const seen: SyncProgress[] = []
    second.progress$.subscribe((progress) => seen.push(progress))
    await second.synchronize()
    const pulled = seen.filter(({ phase }) => phase === 'pulling')
    expect(pulled.map(({ done, total, percentage }) => [done, total, percentage])).toEqual([
      [4, undefined, undefined],
      [6, 8, 75],
      [8, 8, 100],
    ])
  })

  it('A8 a page that comes after a pause changes nothing, and is not told of as a failure', async () => {
    await fill(3)
    let asked = (): void => {}
    let release = (): void => {}
    const whenAsked = new Promise<void>((resolve) => (asked = resolve))
    const transport = pulling(async (_, pull, count) => {
      const page = await pull()
      if (count > 1) return page
      asked()
      await new Promise<void>((resolve) => (release = resolve))
      return page
    })
    const engine = await world.started({ transport })
    const held = engine.synchronize()
    await whenAsked
    engine.pause('test')
    expect((await held).pulled).toEqual([{ entity: 'note', isComplete: false }])
    release()
    expect(await engine.view('note').list()).toEqual([])
    engine.resume('test')
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await engine.view('note').list()).toHaveLength(3)
    expect(engine.history().filter(({ type }) => type === 'pull:failed' || type === 'storage:error')).toEqual([])
  })

  it('S22 asks no more before the Retry-After has passed, whoever wants it', async () => {
    let count = 0
    const transport = pulling(async () => {
      count += 1
      return { type: 'failed', error: new ServerError('busy'), retryAfterMs: 60_000 }
    })
    const engine = await world.started({ transport })
    for (let wish = 0; wish < 3; wish++) {
      expect((await engine.synchronize()).pulled).toMatchObject([{ isComplete: false, error: { message: 'busy' } }])
    }
    engine.pause('test')
    engine.resume('test')
    await engine.synchronize()
    expect(count).toBe(1)
  })

  it.each([Infinity, Number.NaN, -1, 'soon', {}])(
    'B1 S22 a transport that asks to wait for %s asks for nothing',
    async (wait) => {
      await fill(3)
      const busy = { type: 'failed', error: new ServerError('busy'), retryAfterMs: wait as number } as const
      const transport = pulling(async (_, pull, count) => (count === 1 ? busy : pull()))
      const engine = await world.started({ transport })
      expect((await engine.synchronize()).pulled).toMatchObject([{ isComplete: false, error: { message: 'busy' } }])
      expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    },
  )

  it('B1 says what a transport lacks that can not pull, and what it can do goes on', async () => {
    const { pull: _pull, ...transport } = httpTransport({ baseURL: world.url })
    const engine = await world.started({ transport })
    const operation = await engine.enqueue(create('a', {}))
    const { pulled } = await engine.synchronize()
    expect(pulled).toMatchObject([{ entity: 'note', isComplete: false, error: { code: 'no-pull' } }])
    expect(pulled[0]?.error?.message).toContain('has no pull()')
    expect(await operation.settled).toEqual({ status: 'done' })
  })

  it('S24 one that needs credentials pauses, and goes on with them where it was', async () => {
    await fill(3)
    const unauthorised: Pulled = { type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) }
    let isLoggedIn = false
    const engine = await world.started({ transport: pulling((_, pull) => (isLoggedIn ? pull() : Promise.resolve(unauthorised))) })
    const summary = engine.synchronize()
    await eventOf(engine, 'engine:paused')
    expect((await summary).pulled).toEqual([{ entity: 'note', isComplete: false }])
    isLoggedIn = true
    const completed = eventOf(engine, 'pull:completed')
    engine.resume('auth')
    await completed
    expect(await engine.view('note').list()).toHaveLength(3)
  })

  it('S18 L5 a store that can not be read is told of, and the page asked for again once it can be', async () => {
    await fill(3)
    const storage = faultyStorage(world.storage())
    const fault = new StorageUnavailableError('Not now.')
    const transport = pulling((_, pull, count) => {
      if (count === 1)
        storage.failReads((method, collection) => (method !== 'scan' && collection === ENTITIES ? fault : undefined))
      return pull()
    })
    const engine = await world.started({ storage, transport })
    const synchronized = engine.synchronize()
    await eventOf(engine, 'storage:error', (event) => 'error' in event && event.error === fault)
    storage.failReads(undefined)
    expect((await synchronized).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await engine.view('note').list()).toHaveLength(3)
  })

  it('S18 L5 a request that can not be read is met once it can be, whichever tab has made it', async () => {
    await fill(3)
    const storage = faultyStorage(world.storage())
    const engine = await world.started({ storage, pull: { everyMs: 0 } })
    await eventOf(engine, 'lock:acquired')
    await engine.synchronize()
    const follower = await world.started()
    await elsewhere(world, 'POST', '/note', { id: 'more', title: 'more' })
    for (const tab of [engine, follower]) {
      const once = unavailableOnce()
      storage.failReads((method, collection) => (method === 'getMany' && collection === META ? once() : undefined))
      const told = eventOf(engine, 'storage:error')
      const synchronized = tab.synchronize()
      await told
      expect((await synchronized).pulled).toEqual([{ entity: 'note', isComplete: true }])
      expect(await tab.view('note').list()).toHaveLength(4)
    }
  })

  it('S10 S18 a page that another owner’s lease keeps out is no trouble of the store, and is asked for again by who owns it then', async () => {
    await fill(3)
    const transport = pulling(async (_, pull, count) => {
      if (count === 1) await takenOver()
      return pull()
    })
    const engine = await world.started({ transport })
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await engine.view('note').list()).toHaveLength(3)
    const history = engine.history()
    expect(history.filter(({ type }) => type === 'lock:acquired')).toHaveLength(2)
    expect(history.filter(({ type }) => type === 'storage:error')).toEqual([])
  })

  it('S10 an owner that only pulls learns of its successor from the first page that it may not store, and asks for no other', async () => {
    await fill(3)
    const transport = pulling(async (_, pull, count) => {
      if (count === 1) await takenOver()
      return pull()
    })
    const engine = world.engine({ transport, lock: { heartbeatMs: 60_000, staleMs: 600_000 } })
    await engine.start()
    const lost = eventOf(engine, 'lock:lost')
    const asked = engine.synchronize()
    await lost
    expect(engine.metrics().lock).toMatchObject({ owner: false })
    expect(engine.history().filter(({ type }) => type === 'pull:started')).toHaveLength(1)
    await engine.stop()
    expect((await asked).pulled).toEqual([{ entity: 'note', isComplete: false }])
  })

  it('S19 a page without versions is asked for again where an answer to our own write came before it', async () => {
    await fill(1)
    const unversioned = (page: Pulled): Pulled =>
      page.type === 'page' ? { ...page, changes: page.changes.map(({ version: _version, ...change }) => change as Change) } : page
    const engine = await world.started({
      pull: { everyMs: 0 },
      transport: pulling(async (_, pull, count) => {
        const page = unversioned(await pull())
        if (count === 2) await (await engine.enqueue(update('n0', { title: 'ours' }))).settled
        return page
      }),
    })
    await engine.synchronize()
    await elsewhere(world, 'PATCH', '/note/n0', { title: 'theirs' })
    await engine.synchronize()
    expect((await engine.view('note').get('n0'))?.value).toMatchObject(world.notes()['n0'] as object)
    expect(await engine.view('note').get('n0')).toMatchObject({ value: { title: 'ours' } })
  })

  it('D1 an answer that no server gave has the network asked; behind a portal nothing counts as pulled', async () => {
    await fill(1)
    let isBehindPortal = true
    const offline: Pulled = { type: 'failed', error: new NetworkError('Log in to the network.', { code: 'offline' }) }
    const transport = pulling((_, pull) => (isBehindPortal ? Promise.resolve(offline) : pull()))
    const connectivity: Connectivity = {
      online: () => true,
      watch: () => () => {},
      probe: () => (isBehindPortal ? Promise.reject(new Error('no answer')) : Promise.resolve(true)),
    }
    const clock = createVirtualClock()
    const engine = await world.started({ transport, ports: { connectivity, clock } })
    const summary = engine.synchronize()
    await eventOf(engine, 'network:offline')
    expect((await summary).pulled).toMatchObject([{ entity: 'note', isComplete: false }])
    isBehindPortal = false
    const completed = eventOf(engine, 'pull:completed')
    while ((await Promise.race([completed, settle()])) === undefined) await clock.advance(1_000)
    expect(await engine.view('note').get('n0')).toMatchObject({ status: 'synced' })
  })

  it('S23 L9 rests while the breaker is open, without a look at the store, and goes on as soon as it lets something through', async () => {
    const clock = createVirtualClock()
    const storage = faultyStorage(memoryStorage())
    let reads = 0
    storage.failReads((method) => (method === 'get' ? (reads++, undefined) : undefined))
    const transport = pulling(async (_, pull, count) => (count > 1 ? pull() : { type: 'failed', error: new ServerError('down') }))
    const engine = await world.started({
      ports: { clock },
      storage,
      transport,
      lock: { heartbeatMs: 1_000_000, staleMs: 2_000_000 },
      breaker: { failureThreshold: 1, cooldownMs: 60_000 },
    })
    await engine.synchronize()
    // By then the statistics are stored.
    await clock.advance(11_000)
    const before = reads
    await clock.advance(48_000)
    expect(reads - before).toBe(0)
    await clock.advance(2_000)
    await eventOf(engine, 'pull:completed')
    expect(engine.metrics().breaker.state).toBe('closed')
  })

  const unusable = { id: 'n0', error: new ServerError('nobody can read it') }
  it.each<[string, Pulled, string[]]>([
    ['a page', { ...empty, unusable: [unusable] }, ['pull:quarantined', 'pull:progress', 'pull:completed']],
    ['a failure', { type: 'failed', error: new ServerError('down') }, ['pull:failed']],
  ])(
    'B16 has told of %s before synchronize resolves, though its answer was read as soon as it was stored',
    async (_, pulled, told) => {
      const storage = memoryStorage()
      let stored = (): void => {}
      let looked = (): void => {}
      const [isStored, isLooked] = [
        new Promise<void>((resolve) => (stored = resolve)),
        new Promise<void>((resolve) => (looked = resolve)),
      ]
      let looks = 0
      const engine = world.engine({
        storage: {
          ...storage,
          async get(collection, key) {
            if (key !== pullRowName('default', 'note') || ++looks > 1) return storage.get(collection, key)
            // The first look is that of who waits for the answer.
            await isStored
            const row = await storage.get(collection, key)
            looked()
            return row
          },
          async commit(writes, options) {
            const keys = await storage.commit(writes, options)
            if (!writes.some(answersPull)) return keys
            stored()
            await isLooked
            for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
            return keys
          },
        },
        transport: pulling(async () => pulled),
        pull: { everyMs: 0 },
        retry: { strategy: 'constant', baseMs: 60_000, capMs: 60_000 },
      })
      const heard: string[] = []
      engine.on('pull:*', ({ type }) => void heard.push(type))
      await engine.start()
      await engine.synchronize()
      expect(heard).toEqual(['pull:started', ...told])
    },
  )

  it('A8 asks nothing any more once it is held in the midst of a look at the store', async () => {
    const storage = memoryStorage()
    let [asked, looks] = [0, 0]
    let held: ReturnType<Storage['get']> | undefined
    const engine = world.engine({
      storage: {
        ...storage,
        get(collection, key) {
          const look = storage.get(collection, key)
          // The first look is that of who waits for the answer, the second that of the pull.
          if (key === pullRowName('default', 'note') && ++looks === 2) {
            held = look
            engine.pause('test')
          }
          return look
        },
      },
      transport: pulling(async (_, pull) => (asked++, pull())),
      pull: { everyMs: 0 },
    })
    await engine.start()
    looks = Number.NEGATIVE_INFINITY
    await engine.synchronize()
    looks = 0
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: false }])
    await held
    // What a pull that was not called off would do now, it does without waiting for anything else.
    await new Promise(setImmediate)
    expect([looks, asked]).toEqual([2, 1])
    engine.resume('test')
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
  })

  it.each<[string, () => Promise<Pulled>]>([
    ['throws', () => Promise.reject(new Error('broken'))],
    ['never answers', () => new Promise<never>(() => {})],
    ['says that nothing has changed, unasked', async () => ({ type: 'unchanged' })],
    ['forgets the beginning', async () => ({ type: 'expired', error: new ServerError('gone') })],
  ])('L5 a transport that %s is a failure, and is asked again', async (_, answer) => {
    await fill(1)
    const transport = pulling((_request, pull, count) => (count === 1 ? answer() : pull()))
    const engine = await world.started({ transport, sendTimeoutMs: 200 })
    expect((await engine.synchronize()).pulled).toMatchObject([{ isComplete: false }])
    await eventOf(engine, 'pull:completed')
    expect(await engine.view('note').list()).toHaveLength(1)
  })

  it('L4 one kind that can not be pulled keeps no other waiting', async () => {
    await fill(1)
    const transport = pulling(async ({ entity }, pull) =>
      entity === 'broken' ? { type: 'failed', error: new ServerError('down') } : pull(),
    )
    const engine = await world.started({
      transport,
      entities: { broken: {}, note: {} },
      retry: { strategy: 'constant', baseMs: 60_000 },
    })
    expect((await engine.synchronize()).pulled).toMatchObject([
      { entity: 'broken', isComplete: false },
      { entity: 'note', isComplete: true },
    ])
  })

  it('B9 ends its progress where nothing is pulled, and refuses a bad wish before anything is sent', async () => {
    const engine = await world.started()
    const phases: string[] = []
    engine.progress$.subscribe(({ phase }) => phases.push(phase))
    engine.pause('test')
    await engine.synchronize()
    await expect(engine.synchronize({ entity: 'task' })).rejects.toMatchObject({ name: 'ValidationError' })
    expect(phases).toEqual(['idle', 'pushing', 'idle'])
  })

  it('refuses what it does not know', async () => {
    const engine = await world.started()
    await expect(engine.synchronize({ entity: 'task' })).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(engine.synchronize({ complete: true } as never)).rejects.toMatchObject({ name: 'ValidationError' })
    expect(() => engine.view('task')).toThrow(/one of the engine's entities/)
  })

  it('A10 a create of ours that is pulled before its answer came is there once', async () => {
    const engine = await world.started()
    await engine.synchronize()
    const operation = await engine.enqueue(create('mine', { title: 'mine' }))
    await operation.settled
    await engine.synchronize()
    expect(await engine.view('note').list()).toMatchObject([{ id: 'mine', status: 'synced' }])
  })
})

describe('a request for a pull', () => {
  /** One page has come from the server, and is on its way, when it is made. */
  async function duringPage(
    query: SyncQuery,
  ): Promise<{ readonly cursors: readonly unknown[]; readonly titles: readonly unknown[] }> {
    const { transport: late, hold, reached, release } = withLatePage()
    const taken = signal()
    const answered: unknown[] = []
    const transport: Transport = {
      ...late,
      async pull(request, context) {
        const page = await late.pull!(request, context)
        answered.push(request.cursor)
        return page
      },
    }
    const storage = world.storage()
    const watched: Storage = {
      ...storage,
      async getMany(collection, keys) {
        const entries = await storage.getMany(collection, keys)
        const wanted = entries.find((entry) => entry?.key === pullRequestsName('default'))
        if (readPullRequests(wanted)?.rev === 3) setImmediate(taken.tell)
        return entries
      },
    }
    const engine = await world.started({ transport, storage: watched })
    await engine.synchronize()
    hold()
    const before = engine.synchronize()
    await reached
    await elsewhere(world, 'POST', '/note', { id: 'new', title: 'new' })
    const asked = engine.synchronize(query)
    await taken.isTold
    release()
    await asked
    const cursors = [...answered]
    const titles = (await engine.view<{ title: string }>('note').list()).map(({ value }) => value.title)
    await before
    return { cursors, titles }
  }

  it('S18 is answered by a page that was asked for after it', async () => {
    expect((await duringPage({})).titles).toEqual(['new'])
  })

  it('L5 for one kind is answered though many for another kind come after it', async () => {
    const { transport, hold, reached, release } = withLatePage()
    const storage = world.storage()
    const engine = await world.started({ transport, storage, entities: { note: {}, task: {} } })
    await engine.synchronize()
    let made = 1
    const ask = async (entity: string) => {
      const answer = engine.synchronize({ entity })
      made += 1
      const read = async () => readPullRequests(await storage.get(META, pullRequestsName('default')))?.rev
      await expect.poll(read, { interval: 1 }).toBe(made)
      return { answer }
    }
    hold()
    const first = await ask('note')
    await reached
    const { answer } = await ask('task')
    const others = [first]
    for (let count = 0; count < 25; count++) others.push(await ask('note'))
    release()
    expect((await answer).pulled).toEqual([{ entity: 'task', isComplete: true }])
    for (const other of others) expect((await other.answer).pulled).toEqual([{ entity: 'note', isComplete: true }])
  })

  it('S18 for everything is answered by a pull that began after it', async () => {
    const { cursors } = await duringPage({ full: true })
    expect(cursors).toEqual([undefined, expect.any(String), undefined])
  })
})

function signal(): { readonly isTold: Promise<void>; readonly tell: () => void } {
  let tell = (): void => {}
  const isTold = new Promise<void>((resolve) => (tell = resolve))
  return { isTold, tell }
}
