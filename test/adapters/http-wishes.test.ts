import { expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { createServer } from '../../src/server/index.ts'
import { answerJson, context, request, serve } from './support/http-world.ts'

const HEADERS = { 'Synchart-Pause': '5', 'Synchart-Min-Poll': '60', 'Synchart-Max-Batch': '3' }
const WISHES = { pauseMs: 5_000, minPollMs: 60_000, maxBatch: 3 }
const signal = new AbortController().signal
const item = { request: request(), idempotencyKey: 'k1', sequence: 1 }

it.each([200, 404, 429, 503])('B7 what an answer with the status %i asks for comes with what became of it', async (status) => {
  const server = await serve((_, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    answerJson(
      response,
      status,
      status === 200 ? { results: [{ status: 200, headers: {}, body: {} }], changes: [], cursor: 'c', hasMore: false } : {},
    )
  })
  const transport = httpTransport({ baseURL: server.url })
  expect((await transport.send(request(), context())).wishes).toEqual(WISHES)
  expect((await transport.sendBatch!([item], { clientId: 'c', signal })).map(({ wishes }) => wishes)).toEqual([WISHES])
  expect((await transport.pull!({ entity: 'note', limit: 1 }, { signal })).wishes).toEqual(WISHES)
  expect((await transport.fetch('note', 'n1', { signal })).wishes).toEqual(WISHES)
  expect((await transport.digest!({ entity: 'note', ranges: [{}], isListed: false }, { signal })).wishes).toEqual(WISHES)
})

it.each([
  ['several batches', { batch: { maxOperations: 1 } }],
  ['operations that fit into none', { maxBodyBytes: 100 }],
])('B7 of %s none is sent after an answer that asks for a pause', async (_, options) => {
  const server = await serve(({ url }, response) => {
    const results = [{ status: 200, headers: {}, body: {} }]
    answerJson(response, 200, url === '/batch' ? { results } : {}, { 'Synchart-Pause': '5' })
  })
  const transport = httpTransport({ baseURL: server.url, ...options })
  const outcomes = await transport.sendBatch!([item, item, item], { clientId: 'c', signal })
  expect(outcomes).toMatchObject([
    { type: 'applied', wishes: { pauseMs: 5_000 } },
    { type: 'retry', error: { code: 'server-pause' } },
    { type: 'retry', error: { code: 'server-pause' } },
  ])
  expect(server.received).toHaveLength(1)
})

it('B7 an answer that asks for nothing, or for nonsense, has no wishes', async () => {
  const server = await serve((_, response) => {
    response.setHeader('Synchart-Pause', 'for ever')
    answerJson(response, 200, {})
  })
  expect(await httpTransport({ baseURL: server.url }).send(request(), context())).not.toHaveProperty('wishes')
})

it('B7 the reference server tells pages of other origins what it asks for', async () => {
  const server = await createServer({ wishes: { pauseSeconds: 1 }, corsOrigins: '*' })
  const response = await server.fetch(new Request('http://server.test/note', { headers: { Origin: 'http://page.test' } }))
  expect(response.headers.get('synchart-pause')).toBe('1')
  expect(response.headers.get('access-control-expose-headers')).toContain('Synchart-Pause')
  server.setWishes(undefined)
  expect((await server.fetch(new Request('http://server.test/note'))).headers.has('synchart-pause')).toBe(false)
  expect(() => server.setWishes({ maxBatch: -1 })).toThrow(expect.objectContaining({ path: 'wishes.maxBatch' }))
  await server.close()
})
