import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NetworkError } from '../../src/core/errors.ts'
import { isTerminal, PRIORITIES, wireKey, type OperationRow, type OperationStatus } from '../../src/core/operation.ts'
import {
  beginReconciling,
  beginRollback,
  claim,
  finish,
  park,
  postpone,
  rankOf,
  release,
  resend,
  setAside,
  unpark,
  withPayload,
} from '../../src/core/rows.ts'
import { IN_PLAY, NEVER_DUE } from '../../src/core/schema.ts'
import { frozen } from './json-arbitrary.ts'
import { row } from './coalesce-world.ts'

const ageingMs = { critical: 0, high: 10, medium: 100, low: 1_000 }
const error = new NetworkError('Lost.')

/** What chance decides of a step. */
interface Draw {
  readonly choice: number
  readonly at: number
  readonly delayMs: number
  readonly certain: boolean
}

type Step = (row: OperationRow, draw: Draw) => OperationRow

/** A request that no other step makes. */
const requestOf = ({ rev }: OperationRow) => ({ method: 'PATCH', path: `/note/${rev}`, headers: {}, body: '{}' })
const sent: Step = (row, { certain }) => claim(row, row.request ?? requestOf(row), certain ? undefined : 'v1')
const done: Step = (row, { at }) => finish(row, 'done', at)
const discarded: Step = (row, { at }) => finish(row, 'cancelled', at)
const merged: Step = (row, { at }) => finish(row, 'superseded', at, 'other')
const rejected: Step = (row, { at }) => finish(row, 'rejected', at)
const refused: Step = (row) => beginRollback(row, error)
const parked: Step = (row, { certain }) => park(row, error, certain ? { type: 'update-update', fields: [] } : undefined)
const putBack: Step = (row, { certain }) => release(row, ageingMs, certain ? undefined : error)
const putOff: Step = (row, { at, delayMs, certain }) =>
  postpone(row, { at, delayMs, error, definite: certain && row.unknownAttempts > 0 })
const aside: Step = (row, { certain }) => setAside(row, { error, definite: certain && row.unknownAttempts > 0 })
const stale: Step = (row) => beginReconciling(row, error)
const sentAnew: Step = (row, { certain }) => resend(row, { request: requestOf(row), baseVersion: certain ? 'v2' : undefined })
const edited: Step = (row, { at }) => withPayload(row, { at })

/** What the engine does with a row of each status. An attempt in doubt is not given up. */
function stepsOf({ status, request, unknownAttempts }: OperationRow): readonly Step[] {
  if (status === 'queued') return [sent, sent, edited, refused, merged, discarded]
  if (status === 'waiting') return [sent, sent, sent, unpark, discarded, ...(request === undefined ? [refused] : [])]
  if (status === 'sending')
    return [
      sent,
      putBack,
      putBack,
      putOff,
      putOff,
      aside,
      stale,
      stale,
      parked,
      done,
      ...(unknownAttempts === 1 ? [refused] : []),
    ]
  if (status === 'reconciling') return [sentAnew, sentAnew, sentAnew, putOff, parked, refused, done]
  if (status === 'rollingBack') return [rejected, parked]
  return status === 'parked' ? [unpark, unpark, unpark, discarded] : []
}

const enqueued = fc
  .record({ priority: fc.constantFrom(...PRIORITIES), enqueuedAt: fc.nat(1_000), keyed: fc.boolean() })
  .map(({ priority, enqueuedAt, keyed }) =>
    row(
      1,
      'update',
      {},
      {
        priority,
        enqueuedAt,
        rank: rankOf({ enqueuedAt, priority }, ageingMs),
        base: { a: 1 },
        ...(keyed && { dedupeKey: 'd', chosenKey: 'c', contentHash: 'h', baseVersion: 'v0' }),
      },
    ),
  )
const draws = fc.array(fc.record({ choice: fc.nat(), at: fc.nat(10_000), delayMs: fc.nat(1_000), certain: fc.boolean() }), {
  minLength: 1,
  maxLength: 40,
})

/** Each row of one life, and the step that led to it. */
function walked(start: OperationRow, chances: readonly Draw[]): { before: OperationRow; after: OperationRow; step: Step }[] {
  const path: { before: OperationRow; after: OperationRow; step: Step }[] = []
  let before = start
  for (const draw of chances) {
    const steps = stepsOf(before)
    const step = steps[draw.choice % Math.max(1, steps.length)]
    if (step === undefined) break
    frozen(before as never)
    const after = step(before, draw)
    path.push({ before, after, step })
    before = after
  }
  return path
}

function everyStep(check: (before: OperationRow, after: OperationRow, step: Step) => void, numRuns = 300): void {
  fc.assert(
    fc.property(enqueued, draws, (start, chances) => {
      for (const { before, after, step } of walked(start, chances)) check(before, after, step)
    }),
    { numRuns },
  )
}

const IN_PLAY_STATUSES: readonly OperationStatus[] = ['sending', 'reconciling', 'rollingBack']

describe('the row of an operation, whatever happens to it', () => {
  it('S9 L5 stands in exactly the indexes that its status asks for', () => {
    everyStep((before, after) => {
      const { status, dueAt } = after
      expect(after.lane).toBe(isTerminal(status) ? undefined : 'u1/note/n1')
      expect('lane' in after).toBe(!isTerminal(status))
      expect('rank' in after).toBe(status === 'queued')
      if (status === 'queued') expect(after.rank).toBe(rankOf(before, ageingMs))
      expect('finishedAt' in after).toBe(isTerminal(status))
      expect('dueAt' in after).toBe(status !== 'queued' && !isTerminal(status))
      expect(dueAt === IN_PLAY).toBe(IN_PLAY_STATUSES.includes(status))
      expect(dueAt === NEVER_DUE).toBe(status === 'parked')
      if (status === 'waiting') expect(dueAt).toBeGreaterThanOrEqual(0)
      if ('dedupeKey' in after) expect(status).toBe('queued')
      expect(after.chosenKey).toBe(before.chosenKey)
    })
  })

  it('S2 keeps what it is, and its revision grows by one', () => {
    everyStep((before, after, step) => {
      const { seq, id, user, type, entity, entityId, idempotencyKey, enqueuedAt, priority, contentHash } = before
      expect(after).toMatchObject({ seq, id, user, type, entity, entityId, idempotencyKey, enqueuedAt, priority })
      expect(after.contentHash).toBe(contentHash)
      expect(after.rev).toBe(before.rev + 1)
      if (step !== edited) expect(after.payload).toBe(before.payload)
      expect('base' in after).toBe(!isTerminal(after.status))
    })
  })

  it('S6 has as many attempts in doubt as attempts at most, never fewer than none', () => {
    everyStep((_before, { attempts, unknownAttempts, status }) => {
      expect(unknownAttempts).toBeGreaterThanOrEqual(0)
      expect(unknownAttempts).toBeLessThanOrEqual(attempts)
      if (status === 'sending') expect(unknownAttempts).toBeGreaterThanOrEqual(1)
      if (status === 'queued' || status === 'reconciling' || status === 'rollingBack') expect(unknownAttempts).toBe(0)
    })
  })

  it('S5 S6 keeps key and bytes as long as an attempt is in doubt, and has a new key only after a definite refusal', () => {
    everyStep((before, after, step) => {
      if (wireKey(after) !== wireKey(before)) {
        expect([before.status, step]).toEqual(['reconciling', sentAnew])
        expect(after.request).toEqual(requestOf(before))
      } else if (before.unknownAttempts > 0 && !isTerminal(after.status) && after.status !== 'queued')
        expect(after.request).toBe(before.request)
      if (after.status === 'sending') expect(after.request).toBeDefined()
      if (after.status === 'queued' || isTerminal(after.status)) expect(after).not.toHaveProperty('request')
    })
  })

  it('S5 uses no key twice for different bytes that may both have left', () => {
    fc.assert(
      fc.property(enqueued, draws, (start, chances) => {
        const bytes = new Map<string, unknown>()
        for (const { before, after } of walked(start, chances)) {
          if (after.status !== 'sending') continue
          const key = wireKey(after)
          // It was put back before it left, or left for nothing: the key is as good as new.
          if (before.attempts === 0) bytes.delete(key)
          expect(bytes.get(key) ?? after.request).toBe(after.request)
          bytes.set(key, after.request)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('S5 counts every attempt, and takes back only the one that certainly was none', () => {
    everyStep((before, after, step) => {
      const counted = step === sent || step === sentAnew ? 1 : step === putBack ? -1 : 0
      if (step === sent || step === putBack) expect(after.unknownAttempts).toBe(before.unknownAttempts + counted)
      if (step === aside && before.unknownAttempts > 1) expect(after.unknownAttempts).toBeGreaterThan(0)
      if (step === putOff || step === aside) expect([0, 1]).toContain(before.unknownAttempts - after.unknownAttempts)
      if (step === unpark) expect(after.unknownAttempts).toBe(Math.min(1, before.unknownAttempts))
      const left = step === unpark ? Math.min(1, before.attempts) : step === aside ? Math.max(1, before.attempts - 1) : undefined
      expect(after.attempts).toBe(left ?? before.attempts + counted)
      if (before.attempts > 1 && step === putBack) expect(after).toMatchObject({ status: 'waiting', dueAt: 0 })
      expect(after.reconciliations).toBe(before.reconciliations + (step === sentAnew ? 1 : 0))
      expect(after.reconciledBefore).toBe(
        step === unpark && before.reconciliations > 0 ? before.reconciliations : before.reconciledBefore,
      )
    })
  })

  it('S6 is in doubt as before where what answered was not the server, unless this attempt certainly was none', () => {
    const sentTimes = (attempts: number, unknownAttempts: number) =>
      row(1, 'update', {}, { status: 'sending', attempts, unknownAttempts })
    const left = (of: OperationRow, definite: boolean) => {
      const { attempts, unknownAttempts, lastError } = setAside(of, { error, definite })
      expect(lastError).toMatchObject({ name: 'NetworkError', message: 'Lost.' })
      return [attempts, unknownAttempts]
    }
    expect(left(sentTimes(1, 1), false)).toEqual([1, 1])
    expect(left(sentTimes(1, 1), true)).toEqual([1, 0])
    expect(left(sentTimes(4, 1), false)).toEqual([3, 1])
    expect(left(sentTimes(4, 3), false)).toEqual([3, 3])
    expect(left(sentTimes(4, 3), true)).toEqual([3, 2])
  })

  it('S13 was in doubt before it is compared, if an attempt before the one that was refused may have been applied', () => {
    const compared = (unknownAttempts: number) =>
      beginReconciling(row(1, 'update', {}, { status: 'sending', attempts: 2, unknownAttempts }), error)
    expect(compared(1)).not.toHaveProperty('wasInDoubt')
    expect(compared(2)).toMatchObject({ wasInDoubt: true, status: 'reconciling' })
  })
})
