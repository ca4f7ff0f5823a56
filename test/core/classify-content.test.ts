import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readBody } from '../../src/adapters/http/read-body.ts'
import { classifyResponse, problemType, type HttpAnswer } from '../../src/core/classify.ts'

const line = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('7', 'Sun, 06 Nov 1994 08:49:47 GMT', '"9"', 'W/"9"', '"a b"', '""'),
)
const problem = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom('urn:x:idempotency-in-progress', 'urn:x:idempotency-key-reused', 'urn:x:already-exists'),
      fc.string(),
      fc.jsonValue(),
    ),
    title: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
    detail: fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 490, maxLength: 700 })),
    version: fc.jsonValue(),
  },
  { requiredKeys: [] },
)
const text = fc.oneof(
  fc.string(),
  fc.json(),
  problem.map((value) => JSON.stringify(value)),
)
const body = fc
  .tuple(text, fc.nat(3), fc.constantFrom(undefined, 'application/json', 'application/problem+json; a=b', 'text/html', ''))
  .map(([full, cut, type]) => readBody(cut === 1 ? full.slice(0, -1) : full, type))
const answers: fc.Arbitrary<HttpAnswer> = fc.record({
  status: fc.integer({ min: 100, max: 599 }),
  method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE'),
  headers: fc.record({ etag: line, 'retry-after': line, date: line }, { requiredKeys: [] }),
  body,
  nowMs: fc.nat(4_000_000_000_000),
})
const statuses = (...listed: number[]): fc.Arbitrary<number> => fc.constantFrom(...listed)

describe('an answer with any content', () => {
  it('B1 has one outcome, the same each time, of which nothing is out of bounds', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const outcome = classifyResponse(answer)
        expect(JSON.stringify(classifyResponse(structuredClone(answer)))).toBe(JSON.stringify(outcome))
        if ('retryAfterMs' in outcome) {
          expect(outcome.retryAfterMs).toBeGreaterThanOrEqual(0)
          expect(outcome.retryAfterMs).toBeLessThanOrEqual(86_400_000)
        }
        if (outcome.type === 'applied') expect(outcome.version ?? 'v').toMatch(/^[!#-~]+$/)
        else expect((outcome.error.cause as Error | undefined)?.message ?? 'The').toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]{3,520}$/u)
      }),
      { numRuns: 1_000 },
    )
  })

  it('S6 that is a success is applied if it can be read, and unknown if it can not', () => {
    fc.assert(
      fc.property(answers, fc.integer({ min: 200, max: 299 }), (answer, status) => {
        const { type } = classifyResponse({ ...answer, status })
        if (answer.body.kind === 'empty') expect(['applied', 'unknown']).toContain(type)
        else expect(type).toBe(answer.body.kind === 'json' ? 'applied' : 'unknown')
      }),
    )
  })

  it('S6 is unknown where it may have been applied, whatever it says, and no refusal of the API is', () => {
    const indoubt = fc.oneof(statuses(408, 500, 502, 503, 504, 507, 599), fc.integer({ min: 100, max: 199 }))
    fc.assert(
      fc.property(answers, indoubt, statuses(400, 404, 410, 422), (answer, status, refusal) => {
        expect(classifyResponse({ ...answer, status }).type).toBe('unknown')
        const outcome = classifyResponse({ ...answer, status: refusal })
        if (answer.body.kind === 'unreadable') expect(outcome).toMatchObject({ type: 'rejected', definite: false })
        else if (answer.method === 'DELETE' && (refusal === 404 || refusal === 410)) expect(outcome).toEqual({ type: 'applied' })
        else if (refusal === 422 && problemType(answer.body) === 'idempotency-key-reused')
          expect(outcome).toMatchObject({ definite: false })
        else expect(outcome).toMatchObject({ type: 'rejected', definite: true })
      }),
    )
  })

  it('B6 is tried again, looked at, refused or kept for other credentials by its status alone', () => {
    const kinds = fc.oneof(
      fc.tuple(statuses(407, 421, 425, 429, 511), fc.constant('retry')),
      fc.tuple(statuses(412, 428), fc.constant('conflict')),
      fc.tuple(statuses(401), fc.constant('auth')),
      fc.tuple(statuses(301, 307, 308, 399, 402, 403, 405, 406, 411, 414, 415, 431, 451, 499, 501, 505), fc.constant('rejected')),
    )
    fc.assert(
      fc.property(answers, kinds, (answer, [status, type]) => {
        expect(classifyResponse({ ...answer, status }).type).toBe(type)
        const busy = problemType(answer.body) === 'idempotency-in-progress'
        expect(classifyResponse({ ...answer, status: 409 }).type).toBe(busy ? 'unknown' : 'conflict')
      }),
    )
  })
})
