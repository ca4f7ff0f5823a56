import { describe, expect, it } from 'vitest'
import { httpTransport, type HttpTransportOptions } from '../../src/adapters/http/index.ts'
import type { BatchItem, Outcome } from '../../src/core/ports.ts'
import { answerJson, item, serve, told } from './support/http-world.ts'

const ok = { status: 200, headers: { ETag: '"2"' }, body: { id: 'n1' } }
const problem = (status: number, type: string) => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: { type: `urn:problem:${type}`, status },
})

async function send(
  baseURL: string,
  given: readonly BatchItem[],
  options: Partial<HttpTransportOptions> = {},
): Promise<readonly Outcome[]> {
  const transport = httpTransport({ baseURL, ...options })
  if (transport.sendAtomic === undefined) throw new Error('This transport has no atomic batch.')
  return transport.sendAtomic(given, { clientId: 'client-1', signal: new AbortController().signal })
}

const answering = (status: number, value: unknown) => serve((_, response) => answerJson(response, status, value))

describe('an atomic batch', () => {
  it('B14 is one request that says so, with the keys and the frozen bodies of its operations', async () => {
    const server = await answering(200, { results: [ok, ok] })
    const outcomes = await send(server.url, [item(1), item(2)])
    expect(outcomes.map(told)).toEqual(['applied', 'applied'])
    const sent = JSON.parse(server.received[0]?.body ?? '') as { atomic: boolean; operations: { headers: object }[] }
    expect([server.received.length, sent.atomic]).toEqual([1, true])
    expect(sent.operations.map(({ headers }) => headers)).toMatchObject([
      { 'Idempotency-Key': '"key-1"' },
      { 'Idempotency-Key': '"key-2"' },
    ])
  })

  it('B14 that is refused tells which operation stopped it, and that the others were not applied', async () => {
    const server = await answering(200, { results: [problem(424, 'batch-aborted'), problem(412, 'precondition-failed')] })
    const [other, own] = await send(server.url, [item(1), item(2)])
    expect(other).toMatchObject({ type: 'rejected', definite: true, error: { code: 'batch-aborted' } })
    expect(own).toMatchObject({ type: 'conflict', reason: 'stale' })
  })

  it.each([404, 405, 410, 415, 501])('B14 that meets %i has no endpoint: it is to be sent one by one', async (status) => {
    const server = await answering(status, { title: 'No.' })
    for (const outcome of await send(server.url, [item(1), item(2)]))
      expect(outcome).toMatchObject({ type: 'retry', error: { code: 'batch-unsupported' } })
  })

  it.each([
    [400, 'rejected'],
    [409, 'conflict'],
    [422, 'rejected'],
    [500, 'unknown'],
    [429, 'retry'],
    [401, 'auth'],
  ])('B14 S6 that as a whole is answered with %i is %s as a whole', async (status, type) => {
    const server = await answering(status, { title: 'No.' })
    expect((await send(server.url, [item(1), item(2)])).map((outcome) => outcome.type)).toEqual([type, type])
  })

  it('B14 S6 an answer that can not be read leaves open what became of it', async () => {
    const server = await answering(200, { results: [ok] })
    expect((await send(server.url, [item(1), item(2)])).map((outcome) => outcome.type)).toEqual(['unknown', 'unknown'])
  })

  it('B14 what does not fit into one request is refused, and nothing leaves', async () => {
    const server = await answering(200, { results: [] })
    const tooMany = await send(server.url, [item(1), item(2), item(3)], { batch: { maxOperations: 2 } })
    const body = JSON.stringify({ text: 'x'.repeat(600) })
    const tooLarge = await send(server.url, [item(1, { body }), item(2, { body })], { maxBodyBytes: 1_024 })
    const alone = await send(server.url, [item(1, { body: JSON.stringify({ text: 'x'.repeat(980) }) }), item(2)], {
      maxBodyBytes: 1_024,
    })
    const invalid = await send(server.url, [item(1, { path: '//evil.test' }), item(2)])
    for (const outcomes of [tooMany, tooLarge, alone])
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ type: 'rejected', definite: true, error: { code: 'body-too-large' } })
    expect(invalid.map((outcome) => outcome.type)).toEqual(['rejected', 'rejected'])
    expect(server.received).toEqual([])
  })

  it('B14 there is none without a batch endpoint', () => {
    expect(httpTransport({ baseURL: 'http://127.0.0.1:1', batch: false }).sendAtomic).toBeUndefined()
  })
})
