import { describe, expect, it } from 'vitest'
import { classifyResponse, problemType, type ResponseBody, versionOf } from '../../src/core/classify.ts'
import {
  AuthenticationError,
  ClientError,
  ConflictError,
  NetworkError,
  RateLimitError,
  ServerError,
  SyncError,
  TimeoutError,
} from '../../src/core/errors.ts'
import type { Json } from '../../src/core/json.ts'
import type { Outcome } from '../../src/core/ports.ts'

const nowMs = Date.UTC(2026, 10, 21)
const json = (value: Json): ResponseBody => ({ kind: 'json', value })
const problem = (type: string): ResponseBody => json({ type, title: 'already-exists idempotency-in-progress' })
const EMPTY: ResponseBody = { kind: 'empty' }
const UNREADABLE: ResponseBody = { kind: 'unreadable', reason: 'the body is not JSON by its content type' }
const RESOURCE = json({ id: 'n1', version: '7', title: 'Hi' })
const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'] as const

interface Given {
  readonly method?: string
  readonly body?: ResponseBody
  readonly headers?: Record<string, string>
}

function classify(status: number, { method = 'PATCH', body = EMPTY, headers = {} }: Given = {}): Outcome {
  return classifyResponse({ status, headers, body, method, nowMs })
}

/** The outcome in a few words, as `rejected/definite client ClientError`. */
function told(outcome: Outcome): string {
  if (outcome.type === 'applied') return 'applied'
  const detail =
    outcome.type === 'conflict' ? `/${outcome.reason}` : outcome.type === 'rejected' && outcome.definite ? '/definite' : ''
  return `${outcome.type}${detail} ${outcome.error.code} ${outcome.error.name}`
}

describe('every answer', () => {
  const bodies = [
    RESOURCE,
    json('text'),
    json(null),
    json([]),
    problem('already-exists'),
    problem('idempotency-in-progress'),
    problem('about:blank'),
    EMPTY,
    UNREADABLE,
  ]
  const statuses = [...Array.from({ length: 500 }, (_, i) => 100 + i), 0, 1, 99, 600, 999, -1, 200.5, 404.5, Number.NaN, Infinity]

  it('B1 D5 has one outcome, with an error that keeps the rules of errors and says all that it is to say, and no answer makes it throw', () => {
    const wrong: string[] = []
    for (const status of statuses) {
      for (const method of METHODS) {
        for (const body of bodies) {
          for (const headers of [{}, { 'retry-after': '7', etag: '"9"' }, { 'retry-after': 'soon', etag: 'W/"9"' }]) {
            const outcome = classify(status, { method, body, headers })
            if (!isSound(outcome, status)) wrong.push(`${method} ${status} ${body.kind}: ${told(outcome)}`)
          }
        }
      }
    }
    expect(wrong).toEqual([])
  })

  function isSound(outcome: Outcome, status: number): boolean {
    if (outcome.type === 'applied') return (status >= 200 && status <= 299) || status === 404 || status === 410
    const mayBeRepeated = outcome.type === 'retry' || outcome.type === 'unknown' || outcome.type === 'auth'
    return (
      outcome.error instanceof SyncError &&
      outcome.error.message.length > 40 &&
      !outcome.error.message.includes('undefined') &&
      outcome.error.retryable === mayBeRepeated
    )
  }
})

describe('a success', () => {
  it('A10 with a readable body is applied, with its value and version', () => {
    expect(classify(200, { body: RESOURCE })).toEqual({
      type: 'applied',
      version: '7',
      value: RESOURCE.kind === 'json' ? RESOURCE.value : undefined,
    })
    expect(classify(201, { method: 'POST', body: json({ id: 'n1' }), headers: { etag: '"abc"' } })).toEqual({
      type: 'applied',
      version: 'abc',
      value: { id: 'n1' },
    })
  })

  it.each(METHODS)('S6 that can not be read leaves it unknown whether a %s was applied', (method) => {
    for (let status = 200; status < 300; status++) {
      expect(told(classify(status, { method, body: UNREADABLE }))).toBe('unknown unreadable ServerError')
    }
  })

  it.each(['POST', 'PUT', 'PATCH'])('S6 with status 200 and no body leaves it unknown whether a %s was applied', (method) => {
    expect(told(classify(200, { method }))).toBe('unknown unreadable ServerError')
  })

  it('A10 without a body is applied where the status says that there is none, and after a delete', () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect(classify(204, { method })).toEqual({ type: 'applied' })
    expect(classify(200, { method: 'DELETE' })).toEqual({ type: 'applied' })
    expect(classify(201, { method: 'POST', headers: { etag: '"1"' } })).toEqual({ type: 'applied', version: '1' })
  })
})

describe('the version of an answer', () => {
  it.each([
    ['a strong ETag', '"v7"', json({ version: 3 }), 'v7'],
    ['no weak ETag', 'W/"v7"', json({}), undefined],
    ['the body beside a weak ETag', 'W/"v7"', json({ version: 'b3' }), 'b3'],
    ['a number in the body', undefined, json({ version: 3 }), '3'],
    ['no empty ETag', '""', json({}), undefined],
    ['no unquoted ETag', 'v7', json({}), undefined],
    ['no ETag with a quote inside', '"a"b"', json({}), undefined],
    ['no list of ETags', '"a", "b"', json({}), undefined],
    ['no version that an ETag can not hold', undefined, json({ version: 'a "b" c' }), undefined],
    ['no version that is an object', undefined, json({ version: {} }), undefined],
    ['no null', undefined, json({ version: null }), undefined],
    ['no truth', undefined, json({ version: true }), undefined],
    ['no version of an array', undefined, json([1]), undefined],
    ['nothing without a body', undefined, EMPTY, undefined],
  ] as const)('C6 is %s', (_, etag, body, expected) => {
    expect(versionOf({ etag }, body)).toBe(expected)
  })
})

describe('a refusal', () => {
  const ANY = METHODS.filter((method) => method !== 'GET')
  it.each([
    [400, 'rejected/definite client ClientError'],
    [401, 'auth authentication AuthenticationError'],
    [402, 'rejected client ClientError'],
    [403, 'rejected authentication AuthenticationError'],
    [405, 'rejected client ClientError'],
    [406, 'rejected client ClientError'],
    [407, 'retry offline NetworkError'],
    [408, 'unknown timeout TimeoutError'],
    [411, 'rejected client ClientError'],
    [412, 'conflict/stale conflict ConflictError'],
    [413, 'rejected client ClientError'],
    [414, 'rejected client ClientError'],
    [415, 'rejected client ClientError'],
    [416, 'rejected client ClientError'],
    [417, 'rejected client ClientError'],
    [418, 'rejected client ClientError'],
    [421, 'retry misdirected ServerError'],
    [422, 'rejected/definite client ClientError'],
    [423, 'rejected client ClientError'],
    [424, 'rejected client ClientError'],
    [425, 'retry too-early ServerError'],
    [426, 'rejected client ClientError'],
    [428, 'conflict/precondition-required conflict ConflictError'],
    [429, 'retry rate-limit RateLimitError'],
    [431, 'rejected client ClientError'],
    [451, 'rejected client ClientError'],
    [499, 'rejected client ClientError'],
    [500, 'unknown server ServerError'],
    [501, 'rejected client ClientError'],
    [502, 'unknown server ServerError'],
    [503, 'unknown server ServerError'],
    [504, 'unknown server ServerError'],
    [505, 'rejected client ClientError'],
    [507, 'unknown server ServerError'],
    [511, 'retry offline NetworkError'],
    [599, 'unknown server ServerError'],
    [100, 'unknown unexpected-status ServerError'],
    [199, 'unknown unexpected-status ServerError'],
    [600, 'unknown unexpected-status ServerError'],
  ])('B6 with %i means %s, whatever the method and the body', (status, expected) => {
    const bodies = [EMPTY, RESOURCE, problem('about:blank'), ...(expected.includes('/definite') ? [] : [UNREADABLE])]
    for (const method of ANY) {
      for (const body of bodies) expect(told(classify(status, { method, body }))).toBe(expected)
    }
  })

  it('B6 with 404 or 410 is final, but the wish of a delete', () => {
    for (const status of [404, 410]) {
      expect(told(classify(status, { method: 'PATCH' }))).toBe('rejected/definite client ClientError')
      expect(classify(status, { method: 'DELETE' })).toEqual({ type: 'applied' })
      expect(classify(status, { method: 'DELETE', body: problem('not-found') })).toEqual({ type: 'applied' })
    }
  })

  it('S6 with a page instead of JSON is not the word of the API: an earlier attempt may have been applied', () => {
    for (const status of [400, 404, 410, 422]) {
      for (const method of ANY) expect(told(classify(status, { method, body: UNREADABLE }))).toBe('rejected client ClientError')
    }
  })

  it('B6 with any 3xx is a wrong address, which may hide an effect', () => {
    for (let status = 300; status < 400; status++) {
      expect(told(classify(status, { headers: { location: 'https://evil.example' } }))).toBe('rejected redirect ClientError')
    }
  })

  it.each([
    ['a refusal', 422, {}],
    ['a refusal of the user', 403, {}],
    ['a conflict', 409, {}],
    ['a stale version', 412, {}],
    ['a failure', 500, {}],
    ['an outage with an end', 503, { 'retry-after': '5' }],
    ['a limit of the rate', 429, {}],
  ])('B1 B6 keeps the status of %s (%i), and what the server says of it', (_what, status, headers) => {
    const outcome = classify(status, { headers, body: json({ title: 'Invalid', detail: 'title is\r\ntoo long' }) })
    expect(outcome).toMatchObject({ error: { status, cause: { message: 'The server says: Invalid: title is too long' } } })
  })

  it.each([
    ['credentials that are not accepted', 401, ''],
    ['a request that took too long', 408, ''],
    ['a connection for another server', 421, ''],
    ['a request that came too early', 425, ''],
    ['an attempt that is still processed', 409, 'idempotency-in-progress'],
    ['a key that was used before', 422, 'idempotency-key-reused'],
  ])('B6 keeps what the server says of %s (%i)', (_what, status, type) => {
    const outcome = classify(status, { body: json({ type, title: 'Not now', detail: 'the token has expired' }) })
    expect(outcome).toMatchObject({ error: { cause: { message: 'The server says: Not now: the token has expired' } } })
  })

  it.each([407, 511])('B6 keeps nothing of what a portal says (%i), which is not the server', (status) => {
    expect(classify(status, { body: json({ title: 'Pay here' }) })).not.toHaveProperty('error.cause')
  })

  it('A9 says how long the server asks to wait, where it does', () => {
    for (const status of [413, 429, 503])
      expect(classify(status, { headers: { 'retry-after': '5' } })).toMatchObject({
        error: { message: expect.stringContaining('5000 ms') as string },
      })
  })

  it('B6 keeps no more than 500 characters of what the server says, of a title or a detail alone, and nothing where it says nothing', () => {
    const said = (body: Json): string | undefined => {
      const outcome = classify(422, { body: json(body) })
      return outcome.type === 'applied' ? undefined : (outcome.error.cause as Error | undefined)?.message
    }
    expect(said({ title: 'Invalid' })).toBe('The server says: Invalid')
    expect(said({ title: '', detail: 'Too long' })).toBe('The server says: Too long')
    expect(said({ title: 7, detail: null })).toBeUndefined()
    expect(said({})).toBeUndefined()
    expect(said({ detail: 'x'.repeat(10_000) })).toBe(`The server says: ${'x'.repeat(500)}`)
  })

  it.each([
    ['https://api.example.com/problems/idempotency-in-progress', 'unknown idempotency-in-progress ServerError'],
    ['https://api.example.com/problems#idempotency-in-progress', 'unknown idempotency-in-progress ServerError'],
    ['urn:problem:Idempotency-In-Progress', 'unknown idempotency-in-progress ServerError'],
    ['idempotency-in-progress/', 'unknown idempotency-in-progress ServerError'],
    ['https://api.example.com/problems/already-exists?lang=de', 'conflict/exists conflict ConflictError'],
    ['not-idempotency-in-progress', 'conflict/stale conflict ConflictError'],
    ['about:blank', 'conflict/stale conflict ConflictError'],
  ])('A3 with 409 is judged by the problem type %s, never by its title', (type, expected) => {
    expect(told(classify(409, { method: 'PUT', body: problem(type) }))).toBe(expected)
  })

  it('A3 with 409 and no known type means that a created entity exists, and that any other is stale', () => {
    expect(told(classify(409, { method: 'POST' }))).toBe('conflict/exists conflict ConflictError')
    expect(told(classify(409, { method: 'PATCH', body: UNREADABLE }))).toBe('conflict/stale conflict ConflictError')
  })

  it('A10 with 422 for a key that was used before is not definite', () => {
    expect(told(classify(422, { body: problem('urn:x:idempotency-key-reused') }))).toBe(
      'rejected idempotency-key-reused ClientError',
    )
  })

  it.each([
    [429, 'retry rate-limit RateLimitError'],
    [413, 'retry rate-limit RateLimitError'],
    [503, 'unknown rate-limit RateLimitError'],
    [500, 'unknown server ServerError'],
    [408, 'unknown timeout TimeoutError'],
    [425, 'retry too-early ServerError'],
    [407, 'retry offline NetworkError'],
  ])('S22 with %i and Retry-After means %s, not before that time', (status, expected) => {
    const outcome = classify(status, { headers: { 'retry-after': '7' } })
    expect(told(outcome)).toBe(expected)
    expect(outcome).toMatchObject({ retryAfterMs: 7000 })
    if (expected.includes('rate-limit')) expect(outcome).toMatchObject({ error: { retryAfterMs: 7000 } })
  })

  it('S22 with 409 in progress waits as asked', () => {
    const outcome = classify(409, { body: problem('idempotency-in-progress'), headers: { 'retry-after': '2' } })
    expect(outcome).toMatchObject({ type: 'unknown', retryAfterMs: 2000 })
  })

  it('S22 reads a date in Retry-After by the Date of the answer', () => {
    const headers = { 'retry-after': 'Sun, 06 Nov 1994 08:49:47 GMT', date: 'Sun, 06 Nov 1994 08:49:37 GMT' }
    expect(classify(503, { headers })).toMatchObject({ retryAfterMs: 10_000 })
  })
})

describe('a problem type', () => {
  it('B1 that is enormous does not stop the program', () => {
    expect(problemType(json({ type: `${'a'.repeat(2 ** 20)}//` }))).toBeUndefined()
  })

  it('S29 is only an own string of an object', () => {
    for (const body of [json([]), json('type'), json({ type: 3 }), json({}), EMPTY, UNREADABLE])
      expect(problemType(body)).toBeUndefined()
  })
})

it('B1 the errors of outcomes are the classes of the public API', () => {
  expect(classify(401)).toMatchObject({ error: expect.any(AuthenticationError) })
  expect(classify(400)).toMatchObject({ error: expect.any(ClientError) })
  expect(classify(412)).toMatchObject({ error: expect.any(ConflictError) })
  expect(classify(511)).toMatchObject({ error: expect.any(NetworkError) })
  expect(classify(429)).toMatchObject({ error: expect.any(RateLimitError) })
  expect(classify(500)).toMatchObject({ error: expect.any(ServerError) })
  expect(classify(408)).toMatchObject({ error: expect.any(TimeoutError) })
})
