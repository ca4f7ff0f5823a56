import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import {
  NetworkError,
  ServerError,
  type Digested,
  type DigestRequest,
  type Fetched,
  type RangeDigest,
  type SyncEngine,
  type Transport,
} from '../../src/index.ts'
import { openDatabase } from '../../src/server/database.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

interface Counted {
  readonly transport: Transport
  readonly digests: DigestRequest[]
  readonly fetched: string[]
  pulls: number
}

function counted(): Counted {
  const transport = httpTransport({ baseURL: world.url })
  const [digests, fetched]: [DigestRequest[], string[]] = [[], []]
  const counts: Counted = {
    digests,
    fetched,
    pulls: 0,
    transport: {
      ...transport,
      digest(request, context) {
        digests.push(request)
        return transport.digest!(request, context)
      },
      fetch(entity, id, context) {
        fetched.push(id)
        return transport.fetch(entity, id, context)
      },
      pull(request, context) {
        counts.pulls += 1
        return transport.pull!(request, context)
      },
    },
  }
  return counts
}

let keys = 0

/** As another client. */
async function others(method: string, path: string, body?: object): Promise<void> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const headers = { 'idempotency-key': `"other-${++keys}"`, ...(body === undefined ? {} : { 'content-type': type }) }
  const answer = await fetch(world.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  expect(answer.ok).toBe(true)
}

async function madeByOthers(count: number, nameOf = (n: number) => `n${n}`): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const operations = Array.from({ length: Math.min(100, count - from) }, (_, at) => ({
      method: 'POST',
      path: '/note',
      headers: { 'Idempotency-Key': `"made-${from + at}"`, 'Content-Type': 'application/json' },
      body: { id: nameOf(from + at), part: (from + at) % 2 },
    }))
    await others('POST', '/batch', { operations })
  }
}

async function pulled(transport: Transport, options: object = {}): Promise<SyncEngine> {
  const engine = await world.started({ transport, ...options })
  await eventOf(engine, 'lock:acquired')
  await engine.synchronize()
  return engine
}

/** Behind everybody's back. */
async function store(id: string, change: (row: { version: string }) => object | undefined): Promise<void> {
  const database = await openDatabase(world.path)
  try {
    const key = `default/note/${id}`
    const row = database.prepare('SELECT value FROM entities WHERE key = ?').get(key)
    const changed = change(JSON.parse(String(row!['value'])) as { version: string })
    if (changed === undefined) database.prepare('DELETE FROM entities WHERE key = ?').run(key)
    else database.prepare('UPDATE entities SET value = ? WHERE key = ?').run(JSON.stringify(changed), key)
  } finally {
    database.close()
  }
}

/** Of a set that is another than that of the replica. */
const other = (more: object): object => ({ type: 'digests', digests: [{ count: 3, hash: '0', ...more }] })

describe('B13 the replica against the server', () => {
  it('B13 compares 10,000 entities in one request, and finds three among them in a few', async () => {
    await madeByOthers(10_000)
    const counts = counted()
    const engine = await pulled(counts.transport)
    expect(await engine.check({ server: true })).toMatchObject({ isSound: true, undecided: [], checked: { compared: 1 } })
    expect(counts.digests).toHaveLength(1)

    await store('n4711', (row) => ({ ...row, version: '999999' }))
    await store('n17', () => undefined)
    await others('DELETE', '/note/n8000')
    const pulls = counts.pulls
    const found = await engine.check({ server: true })
    expect(found.problems.map(({ code, entityId }) => `${code} ${entityId}`).toSorted()).toEqual(['differs n17', 'differs n4711'])
    expect(counts.digests.length - 1).toBeLessThanOrEqual(4)
    expect(counts.fetched.toSorted()).toEqual(['n17', 'n4711', 'n8000'])
    expect(counts.pulls - pulls).toBe(1)

    expect(await engine.check({ server: true, repair: true })).toMatchObject({ total: 2, mended: 2, isSound: true })
    expect(await engine.check({ server: true })).toMatchObject({ total: 0, isSound: true })
    expect(await engine.view('note').get('n17')).toMatchObject({ value: { id: 'n17' } })
  })

  it('B13 F3 compares with the server also where a flight recorder runs, which has each request for digests', async () => {
    await madeByOthers(2)
    const engine = await pulled(counted().transport, { recorder: {} })
    await store('n1', () => undefined)
    expect(await engine.check({ server: true })).toMatchObject({ undecided: [], total: 1, checked: { compared: 1 } })
    expect(engine.recorder.export()).toContain('"digest"')
  })

  it('S32 B13 takes what only lags behind, and what waits to be sent, for no difference', async () => {
    await madeByOthers(20)
    const engine = await pulled(counted().transport)
    await others('PATCH', '/note/n1', { title: 'theirs' })
    await others('DELETE', '/note/n2')
    await others('POST', '/note', { id: 'new' })
    expect(await engine.check({ server: true })).toMatchObject({ total: 0, isSound: true, undecided: [] })
    engine.pause('test')
    await engine.enqueue({ type: 'update', entity: 'note', id: 'n3', payload: { title: 'ours' } })
    expect(await engine.check({ server: true })).toMatchObject({ total: 0, undecided: [] })
    await others('DELETE', '/note/n4')
    expect(await engine.check({ server: true })).toMatchObject({ total: 0, undecided: ['note: what is new could not be pulled'] })
  })

  it('B13 leaves out what the server has under an id that no store could keep', async () => {
    await madeByOthers(3)
    const { transport } = counted()
    const engine = await pulled({
      ...transport,
      async digest(request, context) {
        const told = await transport.digest!(request, context)
        if (told.type !== 'digests') return told
        const entries = (given: RangeDigest['entries']) =>
          given === undefined ? {} : { entries: [...given, ['x\0', '1'] as const] }
        return { ...told, digests: told.digests.map((one) => ({ ...one, count: one.count + 1, ...entries(one.entries) })) }
      },
      fetch: async (entity, id, context) =>
        id === 'x\0' ? { type: 'found', value: { id }, version: '1' } : transport.fetch(entity, id, context),
    })
    expect(await engine.check({ server: true, repair: true })).toMatchObject({ total: 0, undecided: [] })
  })

  it('B13 brings back to what the server has also what is newer than that, and leaves what waits on top', async () => {
    await madeByOthers(3)
    const engine = await pulled(counted().transport)
    await store('n1', (row) => ({ ...row, version: '77', value: { id: 'n1', title: 'never' } }))
    expect(await engine.check({ server: true, repair: true })).toMatchObject({ total: 1, mended: 1 })
    const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'n1', payload: { title: 'ours' } })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(world.notes()['n1']).toEqual({ id: 'n1', part: 1, title: 'ours' })
  })

  it('B13 asks in several requests where ids are long: servers take no longer URLs', async () => {
    await madeByOthers(600, (n) => `${n}${'長'.repeat(60)}`)
    const engine = await pulled(counted().transport)
    const odd = `300${'長'.repeat(60)}`
    await store(odd, (row) => ({ ...row, version: '77' }))
    expect(await engine.check({ server: true })).toMatchObject({ undecided: [], problems: [{ code: 'differs', entityId: odd }] })
  })

  it('B13 compares each part that is followed', async () => {
    await madeByOthers(40)
    const counts = counted()
    const engine = await pulled(counts.transport, { entities: { note: { scopes: ['part:1'] } } })
    expect(await engine.check({ server: true })).toMatchObject({
      isSound: true,
      undecided: [],
      checked: { entities: 20, compared: 1 },
    })
    await store('n1', () => undefined)
    const { problems } = await engine.check({ server: true, repair: true })
    expect(problems).toMatchObject([{ code: 'differs', entityId: 'n1', repaired: 'mended' }])
    expect(counts.digests.every(({ scope }) => scope === 'part:1')).toBe(true)
  })

  it('B13 pulls all anew where too much is wrong', async () => {
    await madeByOthers(300)
    const engine = await pulled(counted().transport)
    const database = await openDatabase(world.path)
    database.prepare("DELETE FROM entities WHERE key <> 'default/note/n1'").run()
    database.close()
    const { problems } = await engine.check({ server: true, repair: true })
    expect(problems.at(-1)).toMatchObject({ code: 'differs' })
    await engine.synchronize({ full: true })
    expect(await engine.check({ server: true })).toMatchObject({ isSound: true })
  })

  it('B13 says so where the server has no such endpoint, or nothing was pulled yet', async () => {
    const { digest: _digest, ...without } = httpTransport({ baseURL: world.url })
    const engine = await world.started({ transport: without })
    expect((await engine.check({ server: true })).undecided).toEqual(['note: it was not pulled to its end yet'])
    await engine.synchronize()
    expect((await engine.check({ server: true })).undecided).toEqual(['note: the transport has no digest()'])
  })

  it.each<[string, (request: DigestRequest) => unknown, string]>([
    ['throws', () => Promise.reject(new Error('no line')), 'The transport failed; the digest is asked for again.'],
    ['fails', () => ({ type: 'failed', error: new ServerError('Down.') }), 'Down.'],
    ['gives nothing', () => undefined, 'a list of digests'],
    ['gives what is no digest', () => ({ type: 'digests', digests: [{ count: 'many' }] }), 'a list of digests'],
    ['gives no list', () => ({ type: 'digests' }), 'a list of digests'],
    ['gives too few', () => ({ type: 'digests', digests: [] }), 'one for each range'],
    ['lists what are no pairs', ({ isListed }) => other(isListed ? { entries: ['n0', 7] } : {}), 'pairs of id and version'],
    ['lists nothing', () => other({}), 'did not list what is there'],
  ])('B13 decides nothing, and says why, where the digest of the transport %s', async (_, answer, why) => {
    await madeByOthers(2)
    const transport = httpTransport({ baseURL: world.url })
    const digest = async (request: DigestRequest): Promise<Digested> => answer(request) as Digested
    const engine = await pulled({ ...transport, digest })
    const result = await engine.check({ server: true, repair: true })
    expect(result.problems).toEqual([])
    expect(result.undecided).toEqual([expect.stringContaining(why)])
    expect(await engine.view('note').list()).toHaveLength(2)
  })

  it('B13 decides nothing about an entity that the server does not tell, and says why', async () => {
    await madeByOthers(2)
    const transport = httpTransport({ baseURL: world.url })
    const fetch = async (): Promise<Fetched> => ({ type: 'failed', error: new ServerError('Down.') })
    const engine = await pulled({ ...transport, fetch })
    await store('n1', (row) => ({ ...row, version: '77' }))
    const result = await engine.check({ server: true, repair: true })
    expect(result).toMatchObject({ problems: [], undecided: ['note: Down.'] })
    expect(await engine.view('note').list()).toHaveLength(2)
  })

  it('S23 B13 asks nothing of the server while the breaker is open', async () => {
    await madeByOthers(1)
    const { transport, digests } = counted()
    const engine = await pulled(transport, {
      breaker: { failureThreshold: 1, cooldownMs: 60_000 },
      retry: { strategy: 'constant', baseMs: 60_000 },
    })
    world.intercept(async () => ({ type: 'unknown', error: new NetworkError('Down.') }))
    const opened = eventOf(engine, 'breaker:opened')
    await engine.enqueue({ type: 'create', entity: 'note', id: 'x', payload: {} })
    await opened
    expect((await engine.check({ server: true })).undecided).toEqual([expect.stringContaining('The circuit breaker is open')])
    expect(digests).toEqual([])
  })
})

describe('B13 GET /{entity}/digest of the reference server', () => {
  const ask = async (query: string): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`${world.url}/note/digest?${query}`)
    return { status: answer.status, body: await answer.json() }
  }

  it('B13 gives count and hash of each range, and lists what is in it', async () => {
    await madeByOthers(3)
    const ranges = encodeURIComponent('[[null,"n1"],["n1",null]]')
    expect(await ask(`ranges=${ranges}&list=1`)).toEqual({
      status: 200,
      body: {
        digests: [
          { count: 1, hash: expect.stringMatching(/^[0-9a-f]{16}$/), entries: [['n0', '1']] },
          {
            count: 2,
            hash: expect.stringMatching(/^[0-9a-f]{16}$/),
            entries: [
              ['n1', '2'],
              ['n2', '3'],
            ],
          },
        ],
      },
    })
  })

  it.each(['ranges=', 'ranges=[]', 'ranges=[[1,2]]', 'ranges=[[null,null]]&limit=2', `ranges=[["${'x'.repeat(2000)}",null]]`])(
    'B13 refuses %s',
    async (query) => {
      expect(await ask(query)).toMatchObject({ status: 400, body: { type: 'urn:synchart:problem:invalid-parameter' } })
    },
  )

  it('B13 leaves a resource that is called digest where it is', async () => {
    await others('POST', '/note', { id: 'digest', title: 'mine' })
    expect(await ask('')).toMatchObject({ status: 200, body: { id: 'digest', title: 'mine' } })
  })
})
