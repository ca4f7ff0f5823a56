import { describe, expect, it } from 'vitest'
import { problem, serve } from './support.ts'
import type { Call, Reply } from './support.ts'

async function createMany(call: Call, entity: string, count: number, from = 1): Promise<void> {
  const operations = Array.from({ length: count }, (_, at) => ({
    method: 'POST',
    path: `/${entity}`,
    headers: { 'idempotency-key': `"${entity}-${from + at}"` },
    body: { id: `${entity}${from + at}` },
  }))
  await call('POST', '/batch', { body: { atomic: true, operations } })
}

const page = (call: Call, cursor = '', more = ''): Promise<Reply> => call('GET', `/note?cursor=${cursor}${more}`)
const ids = (reply: Reply): string[] => reply.json.changes.map((change) => change.id)

describe('GET /{entity}', () => {
  it('B12 gives changes and tombstones after the cursor, each resource once at its newest version', async () => {
    const { call } = await serve()
    await createMany(call, 'note', 3)
    const first = await page(call)
    expect(first.json).toMatchObject({
      hasMore: false,
      changes: [{ id: 'note1', version: '1', value: { id: 'note1', version: '1' } }, {}, {}],
    })
    await call('PATCH', '/note/note1', { key: 'p', body: { a: 1 } })
    await call('DELETE', '/note/note2', { key: 'd' })
    await call('POST', '/task', { key: 't', body: { id: 't1' } })
    const second = await page(call, first.json.cursor)
    expect(second.json.changes).toEqual([
      { id: 'note1', version: '4', value: { id: 'note1', a: 1, version: '4' } },
      { id: 'note2', version: '5', deleted: true },
    ])
    const third = await page(call, second.json.cursor)
    expect(third.json).toEqual({ changes: [], cursor: second.json.cursor, hasMore: false })
    expect(ids(await page(call))).toEqual(['note3', 'note1', 'note2'])
  })

  it('B11 goes through all changes page by page', async () => {
    const { call } = await serve()
    await createMany(call, 'note', 250)
    const seen: string[] = []
    const sizes: number[] = []
    for (let cursor = '', hasMore = true; hasMore;) {
      const reply = await page(call, cursor, '&limit=120')
      seen.push(...ids(reply))
      sizes.push(reply.json.changes.length)
      ;({ cursor, hasMore } = reply.json)
    }
    expect(sizes).toEqual([120, 120, 10])
    expect(seen).toEqual(Array.from({ length: 250 }, (_, at) => `note${at + 1}`))
    expect((await call('GET', '/note')).json.changes).toHaveLength(100)
  })

  it('B11 tells on the first page of a pull from the beginning how many changes it has, tombstones among them', async () => {
    const { call } = await serve()
    await createMany(call, 'note', 25)
    await createMany(call, 'task', 3)
    await call('DELETE', '/note/note7', { key: 'd' })
    const first = await page(call, '', '&limit=10')
    expect(first.json).toMatchObject({ total: 25, hasMore: true })
    const second = await page(call, first.json.cursor, '&limit=10')
    expect(second.json).not.toHaveProperty('total')
    expect((await call('GET', '/unheard')).json).toMatchObject({ changes: [], total: 0 })
  })

  it('B12 answers 304 while nothing of the entity has changed', async () => {
    const { call } = await serve()
    await createMany(call, 'note', 2)
    const { cursor } = (await page(call)).json
    const empty = await page(call, cursor)
    const etag = empty.headers.get('etag') ?? ''
    await call('POST', '/task', { key: 't', body: { id: 't1' } })
    const same = await call('GET', `/note?cursor=${cursor}`, { headers: { 'if-none-match': etag } })
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', etag])
    await createMany(call, 'note', 1, 3)
    const changed = await call('GET', `/note?cursor=${cursor}`, { headers: { 'if-none-match': etag } })
    expect([changed.status, ids(changed)]).toEqual([200, ['note3']])
  })

  it('S21 answers 410 cursor-expired when the log no longer reaches back, and a full pull starts anew', async () => {
    const { call } = await serve({ changeLogLimit: 5 })
    await createMany(call, 'note', 3)
    const { cursor } = (await page(call)).json
    await createMany(call, 'task', 100)
    await createMany(call, 'note', 4, 4)
    await call('DELETE', '/note/note1', { key: 'd' })
    expect(ids(await page(call, cursor))).toEqual(['note4', 'note5', 'note6', 'note7', 'note1'])
    await createMany(call, 'note', 1, 8)
    const expired = await page(call, cursor)
    expect([expired.status, expired.json.type]).toEqual([410, problem('cursor-expired')])
    expect(ids(await page(call))).toEqual(['note2', 'note3', 'note4', 'note5', 'note6', 'note7', 'note1', 'note8'])
  })

  it('S21 forgets a tombstone only when every cursor before it has expired', async () => {
    const { call } = await serve({ changeLogLimit: 3 })
    await createMany(call, 'note', 3)
    await call('DELETE', '/note/note1', { key: 'd1' })
    const { cursor } = (await page(call)).json
    await createMany(call, 'note', 2, 4)
    await call('DELETE', '/note/note2', { key: 'd2' })
    expect(ids(await page(call))).toEqual(['note3', 'note4', 'note5', 'note2'])
    expect(ids(await page(call, cursor))).toEqual(['note4', 'note5', 'note2'])
  })

  it('S21 keeps the tombstone that the oldest living cursor still needs', async () => {
    const { call } = await serve({ changeLogLimit: 3 })
    await createMany(call, 'note', 3)
    const { cursor } = (await page(call)).json
    await call('DELETE', '/note/note1', { key: 'd1' })
    await createMany(call, 'note', 1, 4)
    await call('DELETE', '/note/note2', { key: 'd2' })
    expect(ids(await page(call, cursor))).toEqual(['note1', 'note4', 'note2'])
  })

  it('B11 does not expire a first pull that has more pages than the log has changes', async () => {
    const { call } = await serve({ changeLogLimit: 5 })
    await createMany(call, 'note', 60)
    const seen: string[] = []
    let reply = await page(call, '', '&limit=10')
    await call('DELETE', '/note/note1', { key: 'd' })
    for (;;) {
      seen.push(...ids(reply))
      if (!reply.json.hasMore) break
      reply = await page(call, reply.json.cursor, '&limit=10')
      expect(reply.status).toBe(200)
    }
    expect(seen).toHaveLength(61)
    expect(seen.at(-1)).toBe('note1')
    expect((await page(call, reply.json.cursor)).json.changes).toEqual([])
  })

  it('S21 expires a first pull that was overtaken by more changes than the log has', async () => {
    const { call } = await serve({ changeLogLimit: 5 })
    await createMany(call, 'note', 20)
    const first = await page(call, '', '&limit=10')
    for (let at = 1; at <= 6; at += 1) await call('DELETE', `/note/note${at}`, { key: `d${at}` })
    expect((await page(call, first.json.cursor, '&limit=10')).status).toBe(410)
  })

  it('S21 answers 410 to a cursor of another database', async () => {
    const [one, other] = [await serve(), await serve()]
    await createMany(one.call, 'note', 1)
    await createMany(other.call, 'note', 1)
    const { cursor } = (await page(one.call)).json
    expect((await page(other.call, cursor)).status).toBe(410)
  })

  it.each(['x', '%00', '..%2F..', 'MSBhIG5vdGUgMSAx%3D', 'a'.repeat(5000)])(
    'B12 answers 400 invalid-cursor to %.20s',
    async (cursor) => {
      const { call } = await serve()
      const reply = await page(call, cursor)
      expect([reply.status, reply.json.type]).toEqual([400, problem('invalid-cursor')])
    },
  )

  it('B12 answers 400 to the cursor of another entity', async () => {
    const { call } = await serve()
    const { cursor } = (await call('GET', '/task')).json
    expect((await page(call, cursor)).json.type).toBe(problem('invalid-cursor'))
  })

  it.each(['limit=0', 'limit=-1', 'limit=1001', 'limit=1e2', 'limit=ten', 'limit=1.5', 'limit=1&limit=2', 'scope=mine'])(
    'B12 answers 400 to %s',
    async (query) => {
      const { call } = await serve()
      const reply = await call('GET', `/note?${query}`)
      expect([reply.status, reply.json.type]).toEqual([400, problem('invalid-parameter')])
    },
  )

  it('B12 takes limits from 1 to 1,000', async () => {
    const { call } = await serve()
    await createMany(call, 'note', 2)
    expect((await call('GET', '/note?limit=1')).json).toMatchObject({ hasMore: true, changes: [{ id: 'note1' }] })
    expect((await call('GET', '/note?limit=1000')).json.hasMore).toBe(false)
  })
})
