import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ServerError,
  StorageUnavailableError,
  ValidationError,
  type EngineOptions,
  type OpenChannel,
  type Pulled,
  type PullRequest,
  type SyncEngine,
  type SyncEvent,
  type SyncProgress,
  type Transport,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { META } from '../../src/core/schema.ts'
import { faultyStorage } from '../support/faulty-storage.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

const [P1, P2] = ['project:p1', 'project:p2']

let world: World
let asked: PullRequest[]
beforeEach(async () => {
  world = await createWorld()
  asked = []
})
afterEach(() => world.close())

type Pull = () => Promise<Pulled>

/** Pulls from the server, unless the test answers. What is asked for is noted. */
function pulling(answer: (request: PullRequest, pull: Pull) => Promise<Pulled> = (_, pull) => pull()): Transport {
  const real = httpTransport({ baseURL: world.url })
  return {
    ...real,
    pull(request, context) {
      asked.push(request)
      return answer(request, () => real.pull!(request, context))
    },
  }
}

function following(scopes: readonly string[] | undefined, options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  return world.started({ entities: { note: { scopes } }, transport: pulling(), ...options })
}

const note = (id: string, project: string, more: object = {}): Promise<number> =>
  elsewhere(world, 'POST', '/note', { id, project, ...more })
const move = (id: string, project: string): Promise<number> => elsewhere(world, 'PATCH', `/note/${id}`, { project })

/** What is seen, each with its project, in the order of ids. */
async function seen(engine: SyncEngine): Promise<string[]> {
  const all = await engine.view<{ project: string }>('note').list()
  return all.map(({ id, value }) => `${id} ${value.project}`).toSorted()
}

/** The scopes asked for since this was last called, and whether from the beginning. */
function scopesAsked(): string[] {
  return asked.splice(0).map(({ scope = 'all', cursor }) => (cursor === undefined ? `${scope} anew` : scope))
}

/** Until nothing else than this is seen. */
async function shows(engine: SyncEngine, expected: readonly string[]): Promise<void> {
  await expect.poll(() => seen(engine), { timeout: 5_000 }).toEqual(expected)
}

describe('an entity of which parts are followed', () => {
  it('E5 pulls only these, in their order, each with a cursor of its own', async () => {
    await note('a', 'p1')
    await note('b', 'p2')
    await note('c', 'p3')
    const engine = await following([P2, P1])
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await seen(engine)).toEqual(['a p1', 'b p2'])
    expect(scopesAsked()).toEqual([`${P2} anew`, `${P1} anew`])
    await note('d', 'p1')
    await engine.synchronize({ entity: 'note' })
    expect(await seen(engine)).toEqual(['a p1', 'b p2', 'd p1'])
    expect(scopesAsked()).toEqual([P2, P1])
    expect(engine.history().filter(({ type }) => type === 'pull:completed')).toMatchObject([
      { entity: 'note', scope: P2, changes: 1 },
      { entity: 'note', scope: P1, changes: 1 },
      { entity: 'note', scope: P2 },
      { entity: 'note', scope: P1, changes: 1 },
    ])
  })

  it('E5 S18 goes on in each part where it was after a restart', async () => {
    for (let n = 0; n < 6; n++) await note(`n${n}`, n % 2 === 0 ? 'p1' : 'p2')
    let left = 3
    const first = await following([P1, P2], {
      transport: pulling((_, pull) =>
        left-- > 0 ? pull() : Promise.resolve({ type: 'failed', error: new ServerError('down') }),
      ),
      pull: { pageSize: 2 },
      retry: { strategy: 'constant', baseMs: 60_000, capMs: 60_000 },
    })
    expect((await first.synchronize()).pulled).toMatchObject([{ isComplete: false, error: { code: 'server' } }])
    await first.stop()
    scopesAsked()
    const second = await following([P1, P2], { pull: { pageSize: 2 } })
    expect((await second.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(scopesAsked()).toEqual([P1, P2])
    expect(await seen(second)).toHaveLength(6)
  })

  it('E5 pulls nothing where no part is followed, and that is an answer', async () => {
    await note('a', 'p1')
    const engine = await following([])
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect([await seen(engine), scopesAsked()]).toEqual([[], []])
  })

  it.each([
    ['where it came to', [P2, P1]],
    ['where it left', [P1, P2]],
  ])('E5 S19 keeps an entity that moves from one to the other, whichever is pulled first: %s', async (_, order) => {
    await note('a', 'p1')
    await note('b', 'p1')
    const engine = await following(order)
    await engine.synchronize()
    await move('a', 'p2')
    await elsewhere(world, 'DELETE', '/note/b')
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['a p2'])
    await move('a', 'p1')
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['a p1'])
    await elsewhere(world, 'DELETE', '/note/a')
    await engine.synchronize()
    expect(await seen(engine)).toEqual([])
  })

  it('E5 keeps what is in two parts until it has left both', async () => {
    await note('a', 'p1', { owner: 'me' })
    const engine = await following([P1, 'owner:me'])
    await engine.synchronize()
    await move('a', 'p9')
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['a p9'])
    await elsewhere(world, 'PATCH', '/note/a', { owner: 'you' })
    await engine.synchronize()
    expect(await seen(engine)).toEqual([])
  })

  it('E5 lets go of what leaves to a part that is not followed, whoever moves it', async () => {
    await note('a', 'p1')
    await note('b', 'p1')
    const engine = await following([P1])
    await engine.synchronize()
    await move('a', 'p9')
    const ours = await engine.enqueue({ type: 'update', entity: 'note', id: 'b', payload: { project: 'p9' } })
    await ours.settled
    expect(await seen(engine)).toEqual(['a p1', 'b p9'])
    await engine.synchronize()
    expect(await seen(engine)).toEqual([])
  })

  it('E5 S19 does not bring back what a page says has left, when the answer to the change comes later', async () => {
    await note('a', 'p1')
    const engine = await following([P1])
    await engine.synchronize()
    let release = (): void => {}
    const answered = new Promise<void>((resolve) => (release = resolve))
    let applied = (): void => {}
    const whenApplied = new Promise<void>((resolve) => (applied = resolve))
    world.intercept(async (_, send) => {
      const outcome = await send()
      applied()
      await answered
      return outcome
    })
    const ours = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { project: 'p9' } })
    await whenApplied
    await engine.scopes.set('note', [P1, P2])
    await eventOf(engine, 'pull:completed', (event) => event.type === 'pull:completed' && event.scope === P2)
    release()
    expect(await ours.settled).toEqual({ status: 'done' })
    expect(await seen(engine)).toEqual([])
  })

  it('E5 keeps and shows what is pending on an entity that leaves', async () => {
    await note('a', 'p1')
    const engine = await following([P1])
    await engine.synchronize()
    world.intercept(async () => ({ type: 'retry', error: new ServerError('busy'), retryAfterMs: 60_000 }))
    await engine.enqueue({ type: 'replace', entity: 'note', id: 'a', payload: { project: 'p1', title: 'ours' } })
    await eventOf(engine, 'sync:retry')
    await move('a', 'p9')
    await engine.scopes.set('note', [P2])
    await eventOf(engine, 'pull:completed', (event) => event.type === 'pull:completed' && event.scope === P2)
    expect(await engine.operations.count('live')).toBe(1)
    expect(await engine.view('note').get('a')).toMatchObject({ value: { title: 'ours' }, status: 'pending' })
  })

  it('E5 shows what was created here until a pull of all parts from the beginning has not met it', async () => {
    await note('a', 'p1')
    let isExpired = false
    const transport = pulling((request, pull) => {
      if (!isExpired || request.cursor === undefined) return pull()
      isExpired = false
      return Promise.resolve({ type: 'expired', error: new ServerError('gone') })
    })
    const engine = await following([P1, P2], { transport })
    await engine.synchronize()
    for (const [id, project] of [
      ['b', 'p2'],
      ['c', 'p9'],
    ] as const)
      await (
        await engine.enqueue({ type: 'create', entity: 'note', id, payload: { project } })
      ).settled
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['a p1', 'b p2', 'c p9'])
    isExpired = true
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['a p1', 'b p2', 'c p9'])
    await engine.synchronize({ full: true })
    expect(await seen(engine)).toEqual(['a p1', 'b p2'])
  })

  it('E5 S21 L3 shows what was created here where nothing is followed until all is pulled from the beginning, too', async () => {
    const engine = await following([])
    await engine.synchronize()
    const ours = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { project: 'p1' } })
    await ours.settled
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['a p1'])
    await engine.synchronize({ full: true })
    expect(await seen(engine)).toEqual([])
  })

  it('E5 S21 pulls only the part anew whose cursor has expired, and removes only what it alone held', async () => {
    for (const [id, project] of [
      ['a', 'p1'],
      ['b', 'p1'],
      ['c', 'p2'],
    ] as const)
      await note(id, project, { owner: id })
    let isExpired = false
    const transport = pulling((request, pull) => {
      if (!isExpired || request.scope !== P1 || request.cursor === undefined) return pull()
      isExpired = false
      return Promise.resolve({ type: 'expired', error: new ServerError('gone') })
    })
    const engine = await following([P1, P2, 'owner:b'], { transport })
    await engine.synchronize()
    // What the log would have told is lost with the cursor.
    await elsewhere(world, 'DELETE', '/note/a')
    scopesAsked()
    isExpired = true
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(scopesAsked()).toEqual([P1, `${P1} anew`, P2, 'owner:b'])
    expect(await seen(engine)).toEqual(['b p1', 'c p2'])
    await move('b', 'p9')
    isExpired = true
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['b p9', 'c p2'])
  })

  it('E5 S21 takes what parts bring that are pulled anew, though its version is lower: the server was restored', async () => {
    let [version, isExpired] = ['9', false]
    const transport = pulling(async ({ cursor }): Promise<Pulled> => {
      if (isExpired && cursor === 'old') return { type: 'expired', error: new ServerError('gone') }
      const changes = [{ id: 'a', version, value: { id: 'a', project: version } }]
      return { type: 'page', changes, unusable: [], cursor: isExpired ? 'new' : 'old', hasMore: false }
    })
    const engine = await following([P1, 'owner:me'], { transport })
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['a 9'])
    ;[version, isExpired] = ['5', true]
    await engine.synchronize()
    expect(await seen(engine)).toEqual(['a 5'])
  })

  it('E5 L4 one part that fails keeps no other waiting, and the summary tells of it', async () => {
    await note('a', 'p1')
    await note('b', 'p2')
    const transport = pulling((request, pull) =>
      request.scope === P1 ? Promise.resolve({ type: 'failed', error: new ServerError('down') }) : pull(),
    )
    const engine = await following([P1, P2], { transport, retry: { strategy: 'constant', baseMs: 60_000, capMs: 60_000 } })
    expect((await engine.synchronize()).pulled).toMatchObject([{ entity: 'note', isComplete: false, error: { code: 'server' } }])
    expect(await seen(engine)).toEqual(['b p2'])
    expect(engine.history().filter(({ type }) => type === 'pull:failed')).toMatchObject([{ entity: 'note', scope: P1 }])
  })

  it('E5 S22 asks for no part while the server wants to be left alone', async () => {
    const busy: Pulled = { type: 'failed', error: new ServerError('busy'), retryAfterMs: 60_000 }
    const engine = await following([P1, P2], { transport: pulling(() => Promise.resolve(busy)) })
    expect((await engine.synchronize()).pulled).toMatchObject([{ isComplete: false, error: { message: 'busy' } }])
    expect(scopesAsked()).toEqual([`${P1} anew`])
  })

  it('E5 B9 sums the progress over the parts', async () => {
    for (let n = 0; n < 6; n++) await note(`n${n}`, n < 4 ? 'p1' : 'p2')
    const engine = await following([P1, P2], { pull: { pageSize: 2 } })
    const told: SyncProgress[] = []
    engine.progress$.subscribe((progress) => told.push(progress))
    await engine.synchronize()
    const pulled = told.filter(({ phase }) => phase === 'pulling').map(({ done, total }) => [done, total])
    expect(pulled).toEqual([
      [0, undefined],
      [2, 4],
      [4, 4],
      [4, undefined],
      [6, 6],
    ])
    expect(told.at(-1)).toEqual({ phase: 'idle', done: 0 })
  })

  it('E5 B9 B11 a progress does not go back where a part is pulled anew in its midst', async () => {
    for (let n = 0; n < 8; n++) await note(`n${n}`, n < 4 ? 'p1' : 'p2')
    let isExpired = true
    const transport = pulling((request, pull) => {
      if (!isExpired || request.scope !== P2 || request.cursor === undefined) return pull()
      isExpired = false
      return Promise.resolve({ type: 'expired', error: new ServerError('gone') })
    })
    const engine = await following([P1, P2], { transport, pull: { pageSize: 2 } })
    const told: SyncProgress[] = []
    engine.progress$.subscribe((progress) => told.push(progress))
    await engine.synchronize()
    expect(scopesAsked()).toEqual([`${P1} anew`, P1, `${P2} anew`, P2, `${P2} anew`, P2])
    expect(told.filter(({ phase }) => phase === 'pulling').map(({ done }) => done)).toEqual([0, 2, 4, 4, 6, 6, 6, 8])
  })

  it('E5 S20 a hint about the entity wants all its parts', async () => {
    await note('a', 'p1')
    await note('b', 'p2')
    let tell = (): void => {}
    const channel: OpenChannel = (listener) => {
      tell = () => listener.message({ type: 'changed', entity: 'note', cursor: 'c' })
      queueMicrotask(() => listener.opened())
      return { send() {}, close() {} }
    }
    const engine = await following([P1, P2], { realtime: { channel } })
    await shows(engine, ['a p1', 'b p2'])
    await engine.synchronize()
    await note('c', 'p2')
    tell()
    await shows(engine, ['a p1', 'b p2', 'c p2'])
  })
})

describe('what is followed', () => {
  it('E5 changes at run time: what is new is pulled at once, and what only a dropped part held leaves the view', async () => {
    await note('a', 'p1', { owner: 'me' })
    await note('b', 'p1')
    await note('c', 'p2')
    const engine = await following([P1])
    await engine.synchronize()
    expect(await engine.scopes.list('note')).toEqual([P1])
    await engine.scopes.set('note', (now) => [...now, P2, 'owner:me'])
    await shows(engine, ['a p1', 'b p1', 'c p2'])
    await engine.synchronize()
    await engine.scopes.set('note', [P2, 'owner:me'])
    await shows(engine, ['a p1', 'c p2'])
    await engine.synchronize()
    scopesAsked()
    await engine.scopes.set('note', [P2, 'owner:me', P1])
    await shows(engine, ['a p1', 'b p1', 'c p2'])
    await engine.synchronize()
    expect(scopesAsked()).toContain(`${P1} anew`)
    await engine.scopes.set('note', [])
    await shows(engine, [])
  })

  it('E5 L6 goes on to pull everything else by itself once no part is followed any more', async () => {
    const engine = await world.started({
      entities: { note: { scopes: [P1] }, tag: {} },
      transport: pulling(),
      pull: { everyMs: 300 },
    })
    await engine.synchronize()
    await engine.scopes.set('note', [])
    const isOfNone = (event: SyncEvent): boolean =>
      event.type === 'pull:completed' && event.entity === 'note' && event.scope === undefined
    await eventOf(engine, 'pull:completed', isOfNone)
    await elsewhere(world, 'POST', '/tag', { id: 'a' })
    await expect.poll(() => engine.view('tag').list(), { timeout: 5_000 }).toHaveLength(1)
  })

  it('E5 is remembered over a restart, and counts instead of the options', async () => {
    await note('a', 'p1')
    await note('b', 'p2')
    const first = await following([P1])
    await first.scopes.set('note', [P2])
    await first.synchronize()
    await first.stop()
    const second = await following([P1])
    expect(await second.scopes.list('note')).toEqual([P2])
    await second.synchronize()
    expect(await seen(second)).toEqual(['b p2'])
  })

  it('E5 a tab that does not own the lease chooses for all, asks for them and sees what comes', async () => {
    await note('a', 'p1')
    await note('b', 'p2')
    const owner = await following([])
    await owner.synchronize()
    const follower = await following([])
    await follower.scopes.set('note', (now) => [...now, P1])
    await owner.scopes.set('note', (now) => [...now, P2])
    await shows(follower, ['a p1', 'b p2'])
    expect((await follower.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await follower.scopes.list('note')).toEqual([P1, P2])
    expect(follower.history().some(({ type }) => type === 'pull:completed')).toBe(false)
    await follower.scopes.set('note', [P2])
    expect((await follower.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await seen(follower)).toEqual(['b p2'])
  })

  it('E5 asks for nothing of a part that was dropped before its turn', async () => {
    await note('a', 'p1')
    await note('b', 'p2')
    const storage = world.storage()
    let heard = (): void => {}
    const engine = await world.started({
      // What the other tab commits it hears of once the turn of the second part has come.
      storage: { ...storage, watch: (listener) => ((heard = () => listener(undefined)), () => {}) },
      entities: { note: { scopes: [P1, P2] } },
      pull: { everyMs: 0 },
      transport: pulling(async ({ scope }, pull) => {
        if (scope === P1) await follower.scopes.set('note', [P1])
        return pull()
      }),
    })
    engine.on('pull:completed', () => void setImmediate(heard))
    await eventOf(engine, 'lock:acquired')
    const follower = await following([])
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await seen(engine)).toEqual(['a p1'])
    expect(scopesAsked().some((one) => one.startsWith(P2))).toBe(false)
  })

  it('E5 L5 what another tab has chosen is pulled also where the owner can not read it at first', async () => {
    await note('a', 'p1')
    const storage = faultyStorage(world.storage())
    const owner = await following([], { storage, pull: { everyMs: 0 } })
    await owner.synchronize()
    const follower = await following([])
    storage.failReads((method, collection) =>
      method === 'get' && collection === META ? new StorageUnavailableError('Not now.') : undefined,
    )
    const told = eventOf(owner, 'storage:error')
    await follower.scopes.set('note', [P1])
    await told
    storage.failReads(undefined)
    await shows(follower, ['a p1'])
  })

  it('E5 is taken up by the next owner, if the one that has it ends first', async () => {
    await note('a', 'p1')
    const owner = await following([])
    await owner.synchronize()
    const follower = await following([])
    owner.pause('test')
    await follower.scopes.set('note', [P1])
    await owner.stop()
    await shows(follower, ['a p1'])
  })

  it('E5 two tabs that choose at once undo nothing of each other', async () => {
    const one = await following([])
    const other = await following([])
    const chosen = Array.from({ length: 8 }, (_, n) => `project:p${n}`)
    await Promise.all(chosen.map((scope, n) => (n % 2 === 0 ? one : other).scopes.set('note', (now) => [...now, scope])))
    expect((await one.scopes.list('note')).toSorted()).toEqual(chosen)
  })

  it('E5 S21 other options: what was pulled as a whole stays until all parts are there, then only what they hold', async () => {
    await note('a', 'p1')
    await note('b', 'p2')
    await note('c', 'p3')
    const whole = await following(undefined)
    await whole.synchronize()
    await whole.stop()
    const parts = await following([P1, P2])
    const sizes = new Set<number>()
    const watched = parts
      .view('note')
      .watch()
      .subscribe((all) => sizes.add(all.length))
    await shows(parts, ['a p1', 'b p2'])
    watched.unsubscribe()
    expect(Math.min(...sizes)).toBe(2)
    await parts.stop()
    const none = await following([])
    await shows(none, [])
  })

  it('E5 S21 other options: without scopes everything is pulled from the beginning', async () => {
    await note('a', 'p1')
    await note('b', 'p2')
    const parts = await following([P1])
    await parts.synchronize()
    await parts.stop()
    scopesAsked()
    const whole = await following(undefined)
    await elsewhere(world, 'DELETE', '/note/a')
    expect((await whole.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect([await seen(whole), scopesAsked()]).toEqual([['b p2'], ['all anew']])
    await note('c', 'p1')
    await whole.synchronize()
    expect([await seen(whole), scopesAsked()]).toEqual([['b p2', 'c p1'], ['all']])
    await whole.stop()
    const again = await following([P1])
    await shows(again, ['c p1'])
  })

  it.each<[string, unknown]>([
    ['scopes', 'project:p1'],
    ['scopes.0', ['p1']],
    ['scopes.1', [P1, 'p2:']],
    ['scopes.1', [P1, P1]],
  ])('E5 refuses what can not be followed, naming %s', async (path, scopes) => {
    const engine = await following([P1])
    const refused = engine.scopes.set('note', scopes as string[])
    await expect(refused).rejects.toMatchObject({ code: 'validation', path })
    expect(await engine.scopes.list('note')).toEqual([P1])
  })

  it('E5 is chosen only for entities that have scopes', async () => {
    const engine = await following(undefined)
    await expect(engine.scopes.set('note', [P1])).rejects.toBeInstanceOf(ValidationError)
    await expect(engine.scopes.list('nothing')).rejects.toBeInstanceOf(ValidationError)
  })
})
