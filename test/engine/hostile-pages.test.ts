import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServerError, type SyncEngine, type Transport } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { serveOnLoopback } from '../support/loopback.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

type Answer = (response: ServerResponse) => void

let world: World
let answer: Answer | undefined
let url: string
let close: () => Promise<void>

/** Between engine and server: pages come from the test as long as it says so, everything else from the server. */
beforeEach(async () => {
  world = await createWorld()
  answer = undefined
  const proxy = await serveOnLoopback(({ url: path = '' }, response) => {
    if (answer === undefined) void pass(path, response)
    else answer(response)
  })
  url = proxy.url
  close = proxy.close
  for (const id of ['a', 'b']) await elsewhere(world, 'POST', '/note', { id, title: 'one' })
})
afterEach(async () => {
  await world.close()
  await close()
})

async function pass(path: string, response: ServerResponse): Promise<void> {
  const passed = await fetch(world.url + path)
  response.writeHead(passed.status, { 'content-type': 'application/json' }).end(await passed.text())
}

/** Pulls go through the proxy, writes to the server itself. */
function through(): Transport {
  const [direct, proxied] = [httpTransport({ baseURL: world.url }), httpTransport({ baseURL: url })]
  return { ...direct, pull: (request, context) => proxied.pull!(request, context) }
}

const retry = { strategy: 'constant', baseMs: 60_000, capMs: 60_000 } as const

const titles = async (engine: SyncEngine): Promise<string[]> =>
  (await engine.view<{ title: string }>('note').list()).map(({ id, value }) => `${id} ${value.title}`).toSorted()

const sends =
  (body: string, type = 'application/json', status = 200): Answer =>
  (response) =>
    void response.writeHead(status, { 'content-type': type }).end(body)

const rest = '"cursor":"c2","hasMore":false'

/** Written piece by piece until the client has had enough. */
const hundredMegabytes: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write(`{${rest},"changes":["`)
  const piece = 'x'.repeat(1_000_000)
  let left = 100
  const more = (): void => {
    while (left-- > 0 && !response.destroyed) if (!response.write(piece)) return void response.once('drain', more)
    response.end('"]}')
  }
  more()
}

describe('a hostile server', () => {
  it.each<[string, string, Answer]>([
    ['HTML', 'unreadable', sends('<html>Please log in</html>', 'text/html')],
    ['JSON that is cut off', 'unreadable', sends('{"changes":[{"id":"a"')],
    ['a list', 'unreadable', sends('[]')],
    ['changes that are a text', 'unreadable', sends(`{"changes":"none",${rest}}`)],
    ['a cursor that is a number', 'unreadable', sends('{"changes":[],"cursor":7,"hasMore":false}')],
    ['a cursor that is an object', 'unreadable', sends('{"changes":[],"cursor":{"__proto__":"c"},"hasMore":false}')],
    ['a cursor that no URL carries', 'unreadable', sends('{"changes":[],"cursor":"\\ud800","hasMore":false}')],
    ['hasMore as text', 'unreadable', sends('{"changes":[],"cursor":"c2","hasMore":"no"}')],
    ['100 MB', 'unreadable', hundredMegabytes],
    [
      'that it has no such entity',
      'client',
      sends('{"type":"urn:synchart:problem:unknown-entity"}', 'application/problem+json', 404),
    ],
  ])(
    'B1 S18 that sends %s is an error, %s, that loses nothing; the next page goes on where the last one ended',
    async (_, code, hostile) => {
      const engine = await world.started({ transport: through(), retry })
      await engine.synchronize()
      await elsewhere(world, 'PATCH', '/note/a', { title: 'two' })
      answer = hostile
      expect((await engine.synchronize()).pulled).toMatchObject([{ entity: 'note', isComplete: false, error: { code } }])
      expect(await titles(engine)).toEqual(['a one', 'b one'])
      answer = undefined
      expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
      expect(await titles(engine)).toEqual(['a two', 'b one'])
      expect(engine.history().filter(({ type }) => type === 'storage:error')).toEqual([])
    },
  )

  it.each<[string, string]>([
    ['a key __proto__', '{"id":"b","version":"9","value":{"__proto__":{"polluted":true}}}'],
    ['__proto__ in place of its members', '{"__proto__":{"id":"b","version":"9","value":{}}}'],
    ['a value that is a list', '{"id":"b","version":"9","value":[]}'],
    ['a number beyond a double', '{"id":"b","version":"9","value":{"n":[-1e400]}}'],
    ['an id that is a number', '{"id":7,"version":"9","value":{}}'],
    ['an id with a NUL character', '{"id":"b\\u0000","version":"9","value":{}}'],
    ['an id with half a surrogate pair', '{"id":"b\\ud800","version":"9","deleted":true}'],
    ['a version that is an object', '{"id":"b","version":{},"value":{}}'],
    ['nothing', 'null'],
  ])('B16 S29 whose page has one change with %s: that one is quarantined, and the others are taken', async (_, bad) => {
    const engine = await world.started({ transport: through(), retry })
    await engine.synchronize()
    answer = sends(`{"changes":[${bad},{"id":"c","version":"8","value":{"id":"c","title":"new"}}],${rest}}`)
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await titles(engine)).toEqual(['a one', 'b one', 'c new'])
    const quarantined = await eventOf(engine, 'pull:quarantined')
    expect(quarantined).toMatchObject({ entity: 'note', error: { name: 'ServerError', code: 'unusable-change' } })
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('S19 whose page names one twice is taken at its newest word, in whatever order', async () => {
    const engine = await world.started({ transport: through(), retry })
    await engine.synchronize()
    const change = (id: string, version: number, title?: string): string =>
      JSON.stringify({ id, version, ...(title === undefined ? { deleted: true } : { value: { id, title } }) })
    const [a, b, c] = [change('a', 10, 'new'), change('b', 10), change('c', 10, 'new')]
    const stale = [change('a', 9, 'old'), change('b', 9, 'old'), change('c', 9)]
    answer = sends(`{"changes":[${[a, b, stale, c].join()}],${rest}}`)
    await engine.synchronize()
    expect(await titles(engine)).toEqual(['a new', 'c new'])
    expect(await engine.view('note').get('a')).toMatchObject({ version: '10' })
  })

  it('B12 whose change has no version is taken, and what is pending stays on top', async () => {
    const engine = await world.started({ transport: through(), retry })
    await engine.synchronize()
    world.intercept(async () => ({ type: 'retry', error: new ServerError('busy') }))
    await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { body: 'ours' } })
    answer = sends(`{"changes":[{"id":"a","value":{"id":"a","title":"two"}}],${rest}}`)
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await engine.view('note').get('a')).toMatchObject({ value: { title: 'two', body: 'ours' }, status: 'pending' })
  })

  it('B1 that knows no such entity is an error of that entity alone', async () => {
    await world.close()
    world = await createWorld({ server: { entities: ['note'] } })
    await elsewhere(world, 'POST', '/note', { id: 'a', title: 'one' })
    const engine = await world.started({ entities: { unheard: {}, note: {} }, retry })
    expect((await engine.synchronize()).pulled).toMatchObject([
      { entity: 'unheard', isComplete: false, error: { status: 404 } },
      { entity: 'note', isComplete: true },
    ])
  })
})

const page = { type: 'page', changes: [], unusable: [], cursor: 'c2', hasMore: false }
const endless = (): object => {
  const value: Record<string, unknown> = { id: 'b' }
  return Object.assign(value, { itself: value })
}
const kept = { id: 'c', version: '8', value: { id: 'c', title: 'new' } }

describe('a transport of the application', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['a text', 'page'],
    ['a page of nothing', { type: 'page' }],
    ['changes that are no list', { ...page, changes: {} }],
    ['a cursor that is a number', { ...page, cursor: 7 }],
    ['hasMore as text', { ...page, hasMore: 'no' }],
    ['an etag that is a number', { ...page, etag: 7 }],
    ['a total that is a text', { ...page, total: '7' }],
    ['a type that nobody knows', { type: 'pages' }],
    ['a failure without an error', { type: 'failed' }],
    ['an error that is a text', { type: 'expired', error: 'gone' }],
  ])('B1 L5 that gives %s gets an error at once, and what is stored stays', async (_, given) => {
    let isHostile = false
    const real = httpTransport({ baseURL: world.url })
    const pull = async (...args: Parameters<NonNullable<Transport['pull']>>) => (isHostile ? given : real.pull!(...args))
    const engine = await world.started({ transport: { ...real, pull } as Transport, retry })
    await engine.synchronize()
    isHostile = true
    expect((await engine.synchronize()).pulled).toMatchObject([
      { isComplete: false, error: { name: expect.stringMatching(/Error$/) } },
    ])
    expect(engine.history().filter(({ type }) => type === 'storage:error')).toEqual([])
    expect(await titles(engine)).toEqual(['a one', 'b one'])
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['no id', { version: '9', value: {} }],
    ['a version that is a number', { id: 'b', version: 9, value: {} }],
    ['no value', { id: 'b', version: '9' }],
    ['a value that is a text', { id: 'b', version: '9', value: 'two' }],
    ['a value that JSON has no form for', { id: 'b', version: '9', value: { id: 'b', n: 2n } }],
    ['a number that is none', { id: 'b', version: '9', value: { id: 'b', n: NaN } }],
    ['a value that contains itself', { id: 'b', version: '9', value: endless() }],
    ['a value with a key that reaches prototypes', { id: 'b', version: '9', value: JSON.parse('{"__proto__":{"polluted":1}}') }],
  ])('B16 whose page has one change with %s: that one is quarantined, and the others are taken', async (_, bad) => {
    const real = httpTransport({ baseURL: world.url })
    const pull = async () => ({ ...page, changes: [bad, kept] })
    const engine = await world.started({ transport: { ...real, pull } as Transport, retry })
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await titles(engine)).toEqual(['c new'])
    expect(await eventOf(engine, 'pull:quarantined')).toMatchObject({ error: { code: 'unusable-change' } })
  })

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'b'],
    ['an id that is a number', { id: 5, error: new ServerError('broken') }],
    ['an id that is empty', { id: '', error: new ServerError('broken') }],
    ['no error', { id: 'b' }],
  ])('B16 L5 whose page says with %s what could not be used is told of, and the others are taken', async (_, bad) => {
    const real = httpTransport({ baseURL: world.url })
    const pull = async () => ({ ...page, changes: [kept], unusable: [bad] })
    const engine = await world.started({ transport: { ...real, pull } as Transport, retry })
    expect((await engine.synchronize()).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await titles(engine)).toEqual(['c new'])
    expect(await eventOf(engine, 'pull:quarantined')).toMatchObject({ error: { name: 'ServerError' } })
    expect(engine.history().filter(({ type }) => type === 'storage:error')).toEqual([])
  })

  it('S21 B16 takes nothing for gone where a full pull has something that may be any of it', async () => {
    const real = httpTransport({ baseURL: world.url })
    let isHostile = false
    const pull = async (...args: Parameters<NonNullable<Transport['pull']>>) =>
      isHostile ? { ...page, changes: [kept, null] } : real.pull!(...args)
    const engine = await world.started({ transport: { ...real, pull } as Transport, retry })
    await engine.synchronize()
    isHostile = true
    expect((await engine.synchronize({ full: true })).pulled).toEqual([{ entity: 'note', isComplete: true }])
    expect(await titles(engine)).toEqual(['a one', 'b one', 'c new'])
    isHostile = false
    await engine.synchronize({ full: true })
    expect(await titles(engine)).toEqual(['a one', 'b one'])
  })
})
