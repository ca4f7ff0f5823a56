import { expect, it } from 'vitest'
import { createDigest } from '../../src/core/digest.ts'
import { createModelServer } from '../../src/testing/world/model-server.ts'

const server = createModelServer({ anonymous: 'u1' })
const write = (method: string, path: string, key: string, body: object | null): void =>
  void server.handle({
    method,
    path,
    headers: { 'Idempotency-Key': `"${key}"` },
    body: body === null ? null : JSON.stringify(body),
  })

it('F4 the model server gives the digests of the wire protocol, of ranges and of parts', () => {
  for (const [at, id] of ['a', 'é', '\u{ffff}', '\u{1f600}', 'z'].entries()) write('POST', '/note', `k${at}`, { id, n: at % 2 })
  write('DELETE', '/note/z', 'gone', null)
  const ranges = [
    [null, 'b'],
    ['b', null],
    ['\u{ffff}', '\u{1f600}'],
  ]
  const ask = (more: string): unknown => {
    const path = `/note/digest?${more}ranges=${encodeURIComponent(JSON.stringify(ranges))}&list=1`
    const { response } = server.handle({ method: 'GET', path, headers: {}, body: null })
    return JSON.parse(response.body)
  }
  const of = (...entries: readonly [string, string][]): object => {
    const digest = createDigest()
    for (const [id, version] of entries) digest.add(id, version)
    return { ...digest.read(), entries }
  }
  expect(ask('')).toEqual({
    digests: [of(['a', '1']), of(['é', '2'], ['\u{ffff}', '3'], ['\u{1f600}', '4']), of(['\u{ffff}', '3'])],
  })
  expect(ask('scope=n%3A1&')).toEqual({ digests: [of(), of(['é', '2'], ['\u{1f600}', '4']), of()] })
})

it('F4 the model server refuses ranges that are none', () => {
  const { response } = server.handle({ method: 'GET', path: '/note/digest?ranges=5', headers: {}, body: null })
  expect(response.status).toBe(400)
})
