import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/server/database.ts'
import { problem, serve, temporaryFolder } from './support.ts'
import type { Call, Reply } from './support.ts'

let keys = 0
const key = (): string => `k${++keys}`

const create = (call: Call, id: string, fields: object): Promise<Reply> =>
  call('POST', '/note', { key: key(), body: { id, ...fields } })
const patch = (call: Call, id: string, fields: object): Promise<Reply> =>
  call('PATCH', `/note/${id}`, { key: key(), body: fields })
const remove = (call: Call, id: string): Promise<Reply> => call('DELETE', `/note/${id}`, { key: key() })

function page(call: Call, scope: string, cursor = '', more = ''): Promise<Reply> {
  return call('GET', `/note?scope=${encodeURIComponent(scope)}&cursor=${cursor}${more}`)
}

/** Each change in a word: its id, version and whether it is gone. */
function told(reply: Reply): string[] {
  return reply.json.changes.map((change) => {
    const { id, version, deleted } = change as { id: string; version: string; deleted?: boolean }
    return `${id}@${version}${deleted === true ? ' gone' : ''}`
  })
}

describe('GET /{entity}?scope=', () => {
  it('E5 gives what has that value, and after that what came into the scope, changed in it or left it', async () => {
    const { call } = await serve()
    await create(call, 'a', { project: 'p1' })
    await create(call, 'b', { project: 'p2' })
    await create(call, 'c', { project: 'p1' })
    await create(call, 'd', { project: 'p1' })
    const first = await page(call, 'project:p1')
    expect([told(first), first.json['total'], first.json.hasMore]).toEqual([['a@1', 'c@3', 'd@4'], 3, false])
    await patch(call, 'a', { project: 'p2' })
    await patch(call, 'b', { project: 'p1' })
    await patch(call, 'c', { title: 'Hi' })
    await remove(call, 'd')
    const second = await page(call, 'project:p1', first.json.cursor)
    expect(told(second)).toEqual(['a@5 gone', 'b@6', 'c@7', 'd@8 gone'])
    expect(told(await page(call, 'project:p1', second.json.cursor))).toEqual([])
    expect(told(await page(call, 'project:p2'))).toEqual(['a@5'])
  })

  it('E5 has nothing in a scope whose value only resembles it', async () => {
    const { call } = await serve()
    const values = ['p', 'P', 'p\0', 'p ', '\ufffd', '\ud800', '\ufffd\udfff', '1', 'true']
    for (const [at, project] of values.entries()) await create(call, String(at), { project })
    for (const value of ['p', 'p\0', '\ufffd', '\ufffd\ufffd'])
      expect(told(await page(call, `project:${value}`))).toEqual(
        values.flatMap((one, at) => (one === value ? `${at}@${at + 1}` : [])),
      )
  })

  it('E5 tells what has left at its present version, and nothing of what was never there', async () => {
    const { call } = await serve()
    await create(call, 'a', { project: 'p1' })
    const { cursor } = (await page(call, 'project:p1')).json
    await patch(call, 'a', { project: 'p2' })
    await patch(call, 'a', { title: 'elsewhere' })
    await create(call, 'b', { project: 'p3' })
    await remove(call, 'b')
    const left = await page(call, 'project:p1', cursor)
    expect(told(left)).toEqual(['a@3 gone'])
    await patch(call, 'a', { title: 'again' })
    expect(told(await page(call, 'project:p1', left.json.cursor))).toEqual([])
    await patch(call, 'a', { project: 'p1' })
    expect(told(await page(call, 'project:p1', left.json.cursor))).toEqual(['a@7'])
    expect(told(await page(call, 'project:p1', cursor))).toEqual(['a@7'])
  })

  it('E5 tells of what came and went since the cursor: its writer has it', async () => {
    const { call } = await serve()
    const { cursor } = (await page(call, 'project:p1')).json
    await create(call, 'a', { project: 'p1' })
    await remove(call, 'a')
    expect(told(await page(call, 'project:p1', cursor))).toEqual(['a@2 gone'])
    expect(told(await page(call, 'project:p1'))).toEqual([])
  })

  it('S18 misses nothing that leaves or comes while a first pull goes from page to page', async () => {
    const { call } = await serve()
    for (let n = 1; n <= 6; n++) await create(call, `n${n}`, { project: n % 2 === 0 ? 'p2' : 'p1' })
    const first = await page(call, 'project:p1', '', '&limit=2')
    expect([told(first), first.json.hasMore]).toEqual([['n1@1', 'n3@3'], true])
    await patch(call, 'n1', { project: 'p2' })
    await patch(call, 'n2', { project: 'p1' })
    await patch(call, 'n5', { project: 'p2' })
    const second = await page(call, 'project:p1', first.json.cursor, '&limit=2')
    expect([told(second), second.json.hasMore]).toEqual([['n1@7 gone', 'n2@8'], true])
    const third = await page(call, 'project:p1', second.json.cursor, '&limit=2')
    expect([told(third), third.json.hasMore]).toEqual([['n5@9 gone'], false])
  })

  it.each([
    ['a text', 'owner:me:and you', { owner: 'me:and you' }],
    ['a number', 'size:3', { size: 3 }],
    ['a truth', 'done:true', { done: true }],
    ['a strange text', 'tag:"%00 <ü>\n', { tag: '"%00 <ü>\n' }],
  ])('E5 compares %s', async (_, scope, fields) => {
    const { call } = await serve()
    await create(call, 'a', fields)
    await create(call, 'b', { owner: null, size: [3], done: { true: true } })
    expect(told(await page(call, scope))).toEqual(['a@1'])
  })

  it.each(['mine', ':p1', 'project:', '', '1st:x', 'a b:c', `project:${'x'.repeat(300)}`])(
    'E5 answers 400 to the scope %.20s',
    async (scope) => {
      const { call } = await serve()
      const reply = await page(call, scope)
      expect([reply.status, reply.json.type]).toEqual([400, problem('invalid-parameter')])
    },
  )

  it('E5 keeps a bounded number of fields', async () => {
    const { call } = await serve()
    for (let n = 1; n <= 32; n++) expect((await page(call, `f${n}:x`)).status).toBe(200)
    expect((await page(call, 'f33:x')).status).toBe(400)
    expect((await page(call, 'f1:y')).status).toBe(200)
  })

  it('E5 S18 refuses the cursor of another scope, and of the whole', async () => {
    const { call } = await serve()
    await create(call, 'a', { project: 'p1' })
    const whole = (await call('GET', '/note')).json.cursor
    const { cursor } = (await page(call, 'project:p1')).json
    for (const reply of [
      await page(call, 'project:p2', cursor),
      await page(call, 'project:p1', whole),
      await call('GET', `/note?cursor=${cursor}`),
    ])
      expect([reply.status, reply.json.type]).toEqual([400, problem('invalid-cursor')])
    expect((await page(call, 'project:p1', cursor)).status).toBe(200)
  })

  it('S21 does not let a cursor grow old by changes outside of its scope, and forgets what left only when it is too old', async () => {
    const { call } = await serve({ changeLogLimit: 5 })
    await create(call, 'a', { project: 'p1' })
    let { cursor } = (await page(call, 'project:p1')).json
    const old = cursor
    for (let n = 0; n < 12; n++) {
      await create(call, `n${n}`, { project: 'p2' })
      const reply = await page(call, 'project:p1', cursor)
      expect([reply.status, told(reply)]).toEqual([200, []])
      ;({ cursor } = reply.json)
    }
    expect((await page(call, 'project:p1', old)).status).toBe(410)
    await patch(call, 'a', { project: 'p2' })
    for (let n = 0; n < 4; n++) await patch(call, 'n1', { n })
    expect(told(await page(call, 'project:p1', cursor))).toEqual(['a@14 gone'])
    await patch(call, 'n1', { n: 9 })
    expect((await page(call, 'project:p1', cursor)).status).toBe(410)
  })

  it('A11 S27 keeps scopes over a restart, and brings a database of an earlier release up to date', async () => {
    const database = join(await temporaryFolder(), 'server.db')
    const before = await serve({ database })
    await create(before.call, 'a', { project: 'p1' })
    await before.server.close()
    const raw = await openDatabase(database)
    raw.exec('DROP TABLE members; DROP TABLE scoped_fields; PRAGMA user_version = 1')
    raw.close()

    const updated = await serve({ database })
    const { cursor } = (await page(updated.call, 'project:p1')).json
    await updated.server.close()
    const again = await serve({ database })
    await patch(again.call, 'a', { project: 'p2' })
    expect(told(await page(again.call, 'project:p1', cursor))).toEqual(['a@2 gone'])
  })
})
