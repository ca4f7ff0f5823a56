import { describe, expect, it } from 'vitest'
import { createModelServer } from '../../src/testing/world/model-server.ts'

describe("the simulation's server", () => {
  it('F4 reads pages from copies that lag behind, but lack nothing that was there when the pull began, nor a delete', () => {
    const server = createModelServer({ anonymous: 'u1' })
    let keys = 0
    const write = (method: string, id: string): void => {
      const headers = { 'Idempotency-Key': `"k${++keys}"` }
      server.handle({ method, path: `/note/${id}`, headers, body: method === 'PUT' ? '{}' : null })
    }
    const page = (cursor?: string) => {
      const path = `/note?limit=10${cursor === undefined ? '' : `&cursor=${cursor}`}`
      const { response, asOf = 0 } = server.handle({ method: 'GET', path, headers: {}, body: null })
      return { asOf, told: JSON.parse(response.body) as { cursor: string; changes: { id: string }[] } }
    }
    const idsAfter = (cursor: string) => {
      const pages = Array.from({ length: 5 }, () => page(cursor))
      for (const { asOf, told } of pages) expect(told.changes.at(-1)?.id ?? 'a').toBe('abcd'[asOf - 1])
      return pages.map(({ told }) => told.changes.map(({ id }) => id).join('')).toSorted()
    }
    server.changes.hasCopies = true
    write('PUT', 'a')
    const { cursor } = page().told
    write('PUT', 'b')
    write('PUT', 'c')
    write('PUT', 'd')
    expect(idsAfter(cursor)).toEqual(['', '', 'b', 'bc', 'bcd'])
    write('DELETE', 'a')
    expect(page(cursor).told.changes.map(({ id }) => id)).toEqual(['b', 'c', 'd', 'a'])
    write('PUT', 'b')
    expect(new Set(Array.from({ length: 5 }, () => page(cursor).asOf))).toEqual(new Set([5, 6]))
  })

  it('F4 has taken back what the backup that it runs on does not have, and no more, whichever it ran on before', () => {
    const server = createModelServer({ anonymous: 'u1' })
    const write = (id: string): void => {
      server.handle({ method: 'PUT', path: `/note/${id}`, headers: { 'Idempotency-Key': `"${id}"` }, body: '{}' })
    }
    const takenBack = (): readonly string[] => [...server.undone].map(({ id }) => id)
    write('a')
    const early = server.backUp()
    write('b')
    const late = server.backUp()
    write('c')
    server.restore(early)
    expect(takenBack()).toEqual(['b', 'c'])
    write('d')
    const afterwards = server.backUp()
    server.restore(late)
    expect(takenBack()).toEqual(['c', 'd'])
    expect([...server.all().keys()]).toEqual(['/note/a', '/note/b'])
    server.restore(afterwards)
    expect(takenBack()).toEqual(['b', 'c'])
  })
})
