import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { pullRowName, readPullRow } from '../../src/core/pull-row.ts'
import { META } from '../../src/core/schema.ts'
import {
  AuthenticationError,
  ServerError,
  type EngineOptions,
  type Fetched,
  type Operation,
  type Pulled,
  type Storage,
  type SyncEngine,
  type Transport,
} from '../../src/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

let world: World
let clock: VirtualClock
/** Of the engine that was started last. */
let storage: Storage
/** Which the server can't give in a page, and of which it gives this alone; undefined: what it has. */
let unreadable: ReadonlySet<string>
let alone: (() => Promise<Fetched>) | undefined
/** What was asked for alone, and when. */
let asked: { readonly id: string; readonly at: number }[]
/** How many pages. */
let pages: number

beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
  clock = createVirtualClock()
  unreadable = new Set(['a'])
  alone = undefined
  asked = []
  pages = 0
  for (const id of ['a', 'b']) await elsewhere(world, 'POST', '/note', { id, title: 'one' })
})
afterEach(() => world.close())

function spoiled(pulled: Pulled): Pulled {
  if (pulled.type !== 'page') return pulled
  const [spoilt, changes] = [true, false].map((is) => pulled.changes.filter(({ id }) => unreadable.has(id) === is))
  const error = new ServerError('nobody can read it', { code: 'unusable-change' })
  return { ...pulled, changes: changes!, unusable: spoilt!.map(({ id }) => ({ id, error })) }
}

function transport(): Transport {
  const real = httpTransport({ baseURL: world.url })
  return {
    ...real,
    async pull(request, context) {
      pages += 1
      return spoiled(await real.pull!(request, context))
    },
    async fetch(entity, id, context) {
      asked.push({ id, at: clock.now() })
      return (alone ?? (() => real.fetch(entity, id, context)))()
    },
  }
}

/** One that pulls when it is asked to, and has little else to do as time passes. */
function started(more: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  storage = world.storage()
  const lock = { heartbeatMs: 10_000_000, staleMs: 20_000_000 }
  return world.started({
    ports: { clock },
    storage,
    transport: transport(),
    pull: { everyMs: 0 },
    lock,
    sendTimeoutMs: 30_000,
    ...more,
  })
}

const titles = async (engine: SyncEngine): Promise<string[]> =>
  (await engine.view<{ title: string }>('note').list()).map(({ id, value }) => `${id} ${value.title}`).toSorted()

const later = async (engine: SyncEngine, ms: number): Promise<void> => {
  await clock.advance(ms)
  await engine.synchronize()
}

const kept = async () => readPullRow(await storage.get(META, pullRowName('default', 'note')))?.quarantined ?? []

describe('what a page could not bring', () => {
  it('B16 is asked for alone at the first pull after a minute, and taken', async () => {
    const engine = await started()
    await engine.synchronize()
    await engine.synchronize()
    expect([await titles(engine), asked]).toEqual([['b one'], []])
    await later(engine, MINUTE_MS)
    expect(asked).toMatchObject([{ id: 'a' }])
    expect(await titles(engine)).toEqual(['a one', 'b one'])
    for (let day = 0; day < 3; day++) await later(engine, DAY_MS)
    expect(asked).toHaveLength(1)
  })

  it('B16 B7 L8 is taken though the server asks for a pause with it, and the pages go on after that', async () => {
    const engine = await started()
    await engine.synchronize()
    world.server.setWishes({ pauseSeconds: 60 })
    await elsewhere(world, 'PATCH', '/note/b', { title: 'two' })
    await later(engine, MINUTE_MS)
    await later(engine, MINUTE_MS)
    expect([await titles(engine), asked.length]).toEqual([['a one', 'b two'], 1])
  })

  it('B16 L8 waits no longer than it was to where the clock is set back by an hour', async () => {
    const engine = await started()
    await engine.synchronize()
    const { now } = clock
    clock.now = () => now() - 60 * MINUTE_MS
    await engine.synchronize()
    expect(asked).toMatchObject([{ id: 'a' }])
    expect(await titles(engine)).toEqual(['a one', 'b one'])
  })

  it.each<[string, () => Promise<Fetched>]>([
    ['fails', async () => ({ type: 'failed', error: new ServerError('still not') })],
    ['can not be used either', async () => ({ type: 'found', value: 7 as never })],
    ['is no version', async () => ({ type: 'found', value: {}, version: 'of "two"' })],
    ['breaks', () => Promise.reject(new Error('broken'))],
  ])('B16 L9 is asked for more and more seldom while that %s, over a restart too, and the pages go on', async (_, given) => {
    let engine = await started()
    await engine.synchronize()
    for (let minute = 0; minute < 20; minute++) {
      alone = given
      await elsewhere(world, 'PATCH', '/note/b', { title: String(minute) })
      await later(engine, MINUTE_MS)
      expect(await titles(engine)).toEqual([`b ${minute}`])
      if (minute % 5 !== 4) continue
      await engine.stop()
      engine = await started()
    }
    const minutes = asked.map(({ at }) => Math.floor((at - asked[0]!.at) / MINUTE_MS))
    expect(minutes).toEqual([0, 2, 6, 14])
  })

  it('B16 is not asked for where no store could keep it', async () => {
    unreadable = new Set()
    const real = transport()
    const pull: Transport['pull'] = async (request, context) => {
      const pulled = await real.pull!(request, context)
      const change = { id: 'c\0', version: '9', deleted: true } as const
      return pulled.type === 'page' ? { ...pulled, changes: [...pulled.changes, change] } : pulled
    }
    const engine = await started({ transport: { ...real, pull } })
    await engine.synchronize()
    await later(engine, MINUTE_MS)
    expect([await titles(engine), asked, await kept()]).toEqual([['a one', 'b one'], [], []])
  })

  it('B16 L5 is let go of when no answer comes, and the pages go on', async () => {
    const engine = await started()
    await engine.synchronize()
    await elsewhere(world, 'PATCH', '/note/b', { title: 'two' })
    alone = () => new Promise(() => {})
    await clock.advance(MINUTE_MS)
    const done = engine.synchronize()
    await expect.poll(() => asked.length).toBe(1)
    await clock.advance(30_000)
    await done
    expect(await titles(engine)).toEqual(['b two'])
  })

  it('S24 B16 pauses the engine where its answer asks for credentials, and is asked for again with them', async () => {
    const engine = await started()
    await engine.synchronize()
    alone = async () => ({ type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) })
    await clock.advance(MINUTE_MS)
    const paused = eventOf(engine, 'engine:paused')
    const summary = engine.synchronize()
    expect(await paused).toMatchObject({ reason: 'auth' })
    expect((await summary).pulled).toEqual([{ entity: 'note', isComplete: false }])
    expect(await kept()).toMatchObject([{ id: 'a', tries: 0 }])
    alone = undefined
    engine.resume('auth')
    await engine.synchronize()
    expect([await titles(engine), asked.length]).toEqual([['a one', 'b one'], 2])
  })

  it('A8 B16 is as it was where the engine is held before its answer comes, and is asked for again after', async () => {
    const engine = await started()
    await engine.synchronize()
    let answer = (_: Fetched): void => {}
    alone = () => new Promise((resolve) => (answer = resolve))
    await clock.advance(MINUTE_MS)
    const summary = engine.synchronize()
    await expect.poll(() => asked.length).toBe(1)
    engine.pause('test')
    answer({ type: 'found', value: { id: 'a', title: 'late' }, version: '9' })
    await summary
    expect([await titles(engine), await kept()]).toMatchObject([['b one'], [{ id: 'a', tries: 0 }]])
    alone = undefined
    engine.resume('test')
    await engine.synchronize()
    expect(await titles(engine)).toEqual(['a one', 'b one'])
  })

  it('B16 is not asked for any more once a page brings it', async () => {
    const engine = await started()
    await engine.synchronize()
    unreadable = new Set()
    await elsewhere(world, 'PATCH', '/note/a', { title: 'two' })
    await engine.synchronize()
    await later(engine, DAY_MS)
    expect([await titles(engine), asked]).toEqual([['a two', 'b one'], []])
  })

  it('B16 is not asked for any more once all is pulled again, or it is gone', async () => {
    const engine = await started()
    await engine.synchronize()
    alone = async () => ({ type: 'absent' })
    await later(engine, MINUTE_MS)
    await later(engine, DAY_MS)
    expect(asked).toHaveLength(1)
    await engine.synchronize({ full: true })
    unreadable = new Set()
    await engine.synchronize({ full: true })
    await later(engine, DAY_MS)
    expect([await titles(engine), asked.length]).toEqual([['a one', 'b one'], 1])
  })

  it('B16 is not asked for where only parts are followed, for the answer does not tell whether it belongs to them', async () => {
    for (const id of ['a', 'b']) await elsewhere(world, 'PATCH', `/note/${id}`, { project: 'p1' })
    const engine = await started({ entities: { note: { scopes: ['project:p1'] } } })
    await engine.synchronize()
    await later(engine, DAY_MS)
    expect([await titles(engine), asked]).toEqual([['b one'], []])
  })

  it.each([
    ['with an older version', { version: '2' }],
    ['without a version', {}],
  ])('S19 B16 never comes over what was confirmed while it was asked for (%s)', async (_, version) => {
    unreadable = new Set(['b'])
    const engine = await started()
    await engine.synchronize()
    let answer = (_: Fetched): void => {}
    alone = () => new Promise((resolve) => (answer = resolve))
    await clock.advance(MINUTE_MS)
    const done = engine.synchronize()
    await expect.poll(() => asked.length).toBe(1)
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'b', payload: { title: 'ours' } })
    expect(await operation.settled).toMatchObject({ status: 'done' })
    answer({ type: 'found', value: { id: 'b', title: 'one' }, ...version })
    await done
    expect(await titles(engine)).toEqual(['a one', 'b ours'])
  })

  it('S21 B16 is not gone at the end of a full pull, if an answer to our own change tells of it after that page', async () => {
    await elsewhere(world, 'POST', '/note', { id: 'c', title: 'one' })
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    let applied = (): void => {}
    const isApplied = new Promise<void>((resolve) => (applied = resolve))
    world.intercept(async (_, send) => {
      const outcome = await send()
      applied()
      await released
      return outcome
    })
    let isExpired = false
    const held: Operation[] = []
    const { pull, ...real } = transport()
    const engine = await started({
      pull: { everyMs: 20_000, pageSize: 1 },
      transport: {
        ...real,
        async pull(request, context) {
          if (isExpired) {
            isExpired = false
            pages = 0
            return { type: 'expired', error: new ServerError('gone') }
          }
          if (pages === 2 && held[0] !== undefined) {
            release()
            expect(await held[0].settled).toEqual({ status: 'done' })
          }
          return pull!(request, context)
        },
      },
    })
    await engine.synchronize()
    held.push(await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'ours' } }))
    await isApplied
    await elsewhere(world, 'PATCH', '/note/c', { title: 'two' })
    isExpired = true
    const completed = new Promise<void>((resolve) => engine.on('pull:completed', () => resolve()))
    await clock.advance(25_000)
    await completed
    expect(await titles(engine)).toEqual(['a ours', 'b one', 'c two'])
  })

  it('S22 B16 lets the pages rest too, for as long as its answer asks for that', async () => {
    const engine = await started()
    await engine.synchronize()
    alone = async () => ({ type: 'failed', error: new ServerError('busy'), retryAfterMs: 5 * MINUTE_MS })
    const before = pages
    await clock.advance(MINUTE_MS)
    expect((await engine.synchronize()).pulled).toMatchObject([{ isComplete: false, error: { message: 'busy' } }])
    await clock.advance(4 * MINUTE_MS)
    expect([asked.length, pages]).toEqual([1, before])
    alone = undefined
    await later(engine, MINUTE_MS)
    expect([asked.length, pages > before]).toEqual([2, true])
    expect(await titles(engine)).toEqual(['a one', 'b one'])
  })

  it('S23 B16 counts for the breaker where the server fails at it', async () => {
    const engine = await started({ breaker: { failureThreshold: 1 } })
    await engine.synchronize()
    alone = async () => ({ type: 'failed', error: new ServerError('down') })
    await later(engine, MINUTE_MS)
    expect(engine.metrics().breaker).toMatchObject({ state: 'open', trips: 1 })
  })

  it('L9 B16 is kept in mind of a hundred, and asked for once each', async () => {
    const ids = Array.from({ length: 150 }, (_, n) => `n${n}`)
    for (const id of ids) await elsewhere(world, 'POST', '/note', { id, title: 'one' })
    unreadable = new Set(ids)
    const engine = await started()
    await engine.synchronize()
    expect(await kept()).toHaveLength(100)
    await later(engine, MINUTE_MS)
    expect(asked.map(({ id }) => id)).toEqual(ids.slice(0, 100))
    expect(await kept()).toEqual([])
    expect(await titles(engine)).toHaveLength(102)
  })
})
