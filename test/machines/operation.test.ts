import { describe, expect, it } from 'vitest'
import type { OperationEvent } from '../../machines/operation.ts'
import { CircuitBreakerOpenError } from '../../src/core/errors.ts'
import type { OperationStatus } from '../../src/core/operation.ts'
import {
  claimedRow,
  decisions,
  makeSlot,
  maxReconciliations,
  outcomes,
  request,
  resent,
  retry,
  sendTimeoutMs,
  type Slot,
} from './operation-world.ts'

type State = 'idle' | 'sending' | 'reconciling' | 'rollingBack' | 'recording'
type Stimulus = 'assign' | 'outcome' | 'decision' | 'rolledBack' | 'recorded'

const inState: Record<State, () => Slot> = {
  idle: () => makeSlot(),
  sending() {
    const slot = makeSlot()
    slot.assign(claimedRow())
    return slot
  },
  reconciling() {
    const slot = makeSlot()
    slot.assign(claimedRow({ status: 'reconciling' }))
    return slot
  },
  rollingBack() {
    const slot = makeSlot()
    slot.assign(claimedRow({ status: 'rollingBack' }))
    return slot
  },
  recording() {
    const slot = inState.sending()
    slot.answer(outcomes.applied)
    return slot
  },
}

const stimuli: Record<Stimulus, (slot: Slot) => void> = {
  assign: (slot) => slot.assign(claimedRow({ id: 'another' })),
  outcome: (slot) => slot.answer(outcomes.unknown),
  decision: (slot) => slot.decide(decisions.done),
  rolledBack: (slot) => slot.rolledBack(),
  recorded: (slot) => slot.acknowledge(),
}

/** Where each stimulus leads from each state. */
const table: Record<State, Record<Stimulus, State>> = {
  idle: { assign: 'sending', outcome: 'idle', decision: 'idle', rolledBack: 'idle', recorded: 'idle' },
  sending: { assign: 'sending', outcome: 'recording', decision: 'sending', rolledBack: 'sending', recorded: 'sending' },
  reconciling: {
    assign: 'reconciling',
    outcome: 'reconciling',
    decision: 'recording',
    rolledBack: 'reconciling',
    recorded: 'reconciling',
  },
  rollingBack: {
    assign: 'rollingBack',
    outcome: 'rollingBack',
    decision: 'rollingBack',
    rolledBack: 'recording',
    recorded: 'rollingBack',
  },
  recording: { assign: 'recording', outcome: 'recording', decision: 'recording', rolledBack: 'recording', recorded: 'idle' },
}

const cells = Object.entries(table).flatMap(([state, row]) =>
  Object.entries(row).map(([stimulus, next]) => [state, stimulus, next] as [State, Stimulus, State]),
)

describe('a slot', () => {
  it.each(cells)('S7 in %s: %s leads to %s', (state, stimulus, next) => {
    const slot = inState[state]()
    stimuli[stimulus](slot)
    expect(slot.state()).toBe(next)
  })

  it('S7 is free for the next once its operation was recorded as ended', () => {
    const slot = inState.recording()
    slot.acknowledge()
    expect(slot.state()).toBe('idle')
    expect(slot.effects).toEqual(['send', 'abort', 'record', 'vacate'])
    slot.assign(claimedRow({ id: 'next' }))
    expect(slot.row()?.id).toBe('next')
  })

  it.each<[OperationStatus, string]>([
    ['sending', 'send'],
    ['reconciling', 'reconcile'],
    ['rollingBack', 'rollBack'],
  ])('A11 takes an operation up where its row says it is: %s', (status, effect) => {
    const slot = makeSlot()
    slot.assign(claimedRow({ status }))
    expect([slot.state(), slot.effects]).toEqual([status, [effect]])
  })

  it.each<[State, (slot: Slot) => OperationEvent]>([
    ['sending', (slot) => ({ type: 'OUTCOME', outcome: outcomes.applied, ...slot.mine(), attempt: 0 })],
    ['sending', (slot) => ({ type: 'OUTCOME', outcome: outcomes.refused, ...slot.mine(), operationId: 'another' })],
    ['reconciling', (slot) => ({ type: 'RECONCILED', decision: decisions.refuse, ...slot.mine(), attempt: 7 })],
    ['reconciling', (slot) => ({ type: 'RECONCILED', decision: decisions.failed, ...slot.mine(), operationId: 'another' })],
    ['rollingBack', (slot) => ({ type: 'ROLLED_BACK', ...slot.mine(), operationId: 'another' })],
  ])('S7 in %s it ignores what belongs to another attempt or operation', (state, late) => {
    const slot = inState[state]()
    const before = slot.row()
    slot.send(late(slot))
    expect([slot.state(), slot.row()]).toEqual([state, before])
    expect(slot.recorded).toEqual([])
  })
})

/** What an outcome makes of the first attempt's row. */
function after(outcome: Parameters<Slot['answer']>[0], change: Parameters<typeof claimedRow>[0] = {}): Slot {
  const slot = makeSlot()
  slot.assign(claimedRow(change))
  slot.answer(outcome)
  expect(slot.state()).toBe('recording')
  expect(slot.effects).toEqual(['send', 'abort', ...(outcome.type === 'auth' ? ['reportAuth'] : []), 'record'])
  return slot
}

describe('the outcome of an attempt', () => {
  it('S7 applied: it is done, and the row is out of every queue', () => {
    const { recorded } = after(outcomes.applied)
    expect(recorded[0]).toMatchObject({ status: 'done', finishedAt: 1_000_000, attempts: 1 })
    expect(recorded[0]).not.toHaveProperty('lane')
    expect(recorded[0]).not.toHaveProperty('dueAt')
  })

  it('S6 unknown: it waits, keeps its request, and stays in doubt', () => {
    const { recorded } = after(outcomes.unknown)
    expect(recorded[0]).toMatchObject({ status: 'waiting', dueAt: 1_000_050, request, attempts: 1, unknownAttempts: 1 })
  })

  it('S6 retry: it waits, and this attempt is known to have had no effect', () => {
    expect(after(outcomes.retry).recorded[0]).toMatchObject({ status: 'waiting', attempts: 1, unknownAttempts: 0 })
  })

  it('S22 Retry-After is a floor that no cap cuts', () => {
    expect(after(outcomes.retryAfter).recorded[0]!.dueAt).toBeGreaterThanOrEqual(1_000_000 + 7_000)
  })

  it('S24 auth: it spends no attempt, nothing is in doubt, and the engine is told', () => {
    const { recorded } = after(outcomes.auth)
    expect(recorded[0]).toMatchObject({ status: 'queued', attempts: 0, unknownAttempts: 0 })
  })

  it('S24 auth after an attempt in doubt: the request stays what it was', () => {
    const { recorded } = after(outcomes.auth, { attempts: 2, unknownAttempts: 2 })
    expect(recorded[0]).toMatchObject({ status: 'waiting', dueAt: 0, attempts: 1, unknownAttempts: 1, request })
  })

  it('S24 auth parks nothing, however often it comes', () => {
    const slot = makeSlot()
    for (let time = 0; time < 10 * retry.maxAttempts; time++) {
      slot.assign(claimedRow())
      slot.answer(outcomes.auth)
      slot.acknowledge()
    }
    expect(new Set(slot.recorded.map(({ status }) => status))).toEqual(new Set(['queued']))
  })

  it('S23 held back, for the breaker had opened: it spends no attempt, however often that happens', () => {
    const held = { type: 'retry', error: new CircuitBreakerOpenError(1_000) } as const
    expect(after(held, { attempts: retry.maxAttempts, unknownAttempts: 1 }).recorded[0]).toMatchObject({
      status: 'waiting',
      dueAt: 0,
      attempts: retry.maxAttempts - 1,
      unknownAttempts: 0,
      request,
    })
  })

  it('S7 definitely rejected: it is rolled back before it counts as rejected', () => {
    const slot = after(outcomes.refused, { attempts: 3, unknownAttempts: 3 })
    expect(slot.recorded[0]).toMatchObject({ status: 'rollingBack' })
    slot.acknowledge()
    expect([slot.state(), slot.effects.at(-1)]).toEqual(['rollingBack', 'rollBack'])
    slot.rolledBack()
    expect(slot.recorded[1]).toMatchObject({ status: 'rejected', lastError: { code: 'client' } })
  })

  it('S6 rejected without certainty: ends if this was the only attempt that may have been applied', () => {
    expect(after(outcomes.doubtful).recorded[0]).toMatchObject({ status: 'rollingBack' })
  })

  it('S6 rejected without certainty while an earlier attempt is in doubt: it is parked, not rolled back', () => {
    expect(after(outcomes.doubtful, { attempts: 2, unknownAttempts: 2 }).recorded[0]).toMatchObject({ status: 'parked', request })
  })

  it('A3 conflict: the server is looked at before anything else is done', () => {
    const slot = after(outcomes.conflict)
    expect(slot.recorded[0]).toMatchObject({ status: 'reconciling', unknownAttempts: 0 })
    slot.acknowledge()
    expect(slot.effects.at(-1)).toBe('reconcile')
  })

  it('L7 conflict: after maxReconciliations it is parked', () => {
    expect(after(outcomes.conflict, { reconciliations: maxReconciliations }).recorded[0]).toMatchObject({ status: 'parked' })
  })

  it.each(['retry', 'unknown'] as const)('B6 %s: after maxAttempts it is parked, and nothing is rolled back', (name) => {
    const attempts = retry.maxAttempts
    expect(after(outcomes[name], { attempts: attempts - 1 }).recorded[0]).toMatchObject({ status: 'waiting' })
    expect(after(outcomes[name], { attempts, unknownAttempts: attempts }).recorded[0]).toMatchObject({
      status: 'parked',
      request,
    })
  })

  it('B6 an operation older than maxAgeMs is parked instead of retried, but may still be done', () => {
    const enqueuedAt = 1_000_000 - retry.maxAgeMs - 1
    expect(after(outcomes.unknown, { enqueuedAt }).recorded[0]).toMatchObject({ status: 'parked' })
    expect(after(outcomes.unknown, { enqueuedAt: enqueuedAt + 1 }).recorded[0]).toMatchObject({ status: 'waiting' })
    expect(after(outcomes.applied, { enqueuedAt }).recorded[0]).toMatchObject({ status: 'done' })
  })
})

describe('a decision about a conflict', () => {
  function decided(decision: Parameters<Slot['decide']>[0], change: Parameters<typeof claimedRow>[0] = {}): Slot {
    const slot = makeSlot()
    slot.assign(claimedRow({ status: 'reconciling', unknownAttempts: 0, ...change }))
    slot.decide(decision)
    expect(slot.effects).toEqual(['reconcile', 'abort', 'record'])
    return slot
  }

  it('S13 done: our own effect was already there', () => {
    expect(decided(decisions.done).recorded[0]).toMatchObject({ status: 'done' })
  })

  it('S5 resend: a new request under a new key, on the version that was found', () => {
    const slot = decided(decisions.resend)
    expect(slot.recorded[0]).toMatchObject({
      status: 'sending',
      request: resent,
      baseVersion: '5',
      attempts: 2,
      unknownAttempts: 1,
      reconciliations: 1,
    })
    expect(slot.key()).toBe('key.1')
    slot.acknowledge()
    expect([slot.state(), slot.effects.at(-1)]).toEqual(['sending', 'send'])
  })

  it('S7 resend: an answer to the request before it is ignored', () => {
    const slot = decided(decisions.resend)
    slot.acknowledge()
    slot.send({ type: 'OUTCOME', outcome: outcomes.applied, ...slot.mine(), attempt: 1 })
    expect(slot.state()).toBe('sending')
  })

  it('L7 resend: each gets a key of its own, until the operation is parked', () => {
    const slot = makeSlot()
    slot.assign(claimedRow())
    const keys = [slot.key()]
    for (;;) {
      slot.answer(outcomes.conflict)
      slot.acknowledge()
      if (slot.state() === 'idle') break
      slot.decide(decisions.resend)
      slot.acknowledge()
      keys.push(slot.key())
    }
    expect(keys).toEqual(['key', 'key.1', 'key.2'])
    expect(slot.recorded.at(-1)).toMatchObject({ status: 'parked' })
  })

  it('S12 park: it waits for a decision, and keeps what both sides had', () => {
    const [row] = decided(decisions.park).recorded
    expect(row).toMatchObject({ status: 'parked', conflict: decisions.park.conflict, payload: { n: 1 } })
  })

  it('S7 refuse: the server is kept and the change rolled back', () => {
    expect(decided(decisions.refuse).recorded[0]).toMatchObject({ status: 'rollingBack' })
  })

  it('L5 failed: it waits, and the same request goes again', () => {
    expect(decided(decisions.failed).recorded[0]).toMatchObject({ status: 'waiting', request, dueAt: 1_000_050 })
  })

  it('B6 failed: after maxAttempts it is parked', () => {
    expect(decided(decisions.failed, { attempts: retry.maxAttempts }).recorded[0]).toMatchObject({ status: 'parked' })
  })
})

describe('a transport that never answers', () => {
  it.each(['sending', 'reconciling'] as const)('L5 is given up after sendTimeoutMs while %s', async (state) => {
    const slot = inState[state]()
    await slot.clock.advance(sendTimeoutMs - 1)
    expect(slot.effects).not.toContain('expire')
    await slot.clock.advance(1)
    expect(slot.effects.at(-1)).toBe('expire')
  })

  it('S6 what became of it is unknown, and its answer comes too late', async () => {
    const slot = makeSlot(true)
    slot.assign(claimedRow())
    const late = { type: 'OUTCOME', outcome: outcomes.refused, ...slot.mine() } as const
    await slot.clock.advance(sendTimeoutMs)
    slot.send(late)
    expect(slot.recorded).toMatchObject([{ status: 'waiting', unknownAttempts: 1 }])
    slot.acknowledge()
    slot.send(late)
    expect(slot.state()).toBe('idle')
    expect(slot.clock.pending()).toBe(0)
  })

  it('S7 each attempt has its own time', async () => {
    const slot = inState.reconciling()
    await slot.clock.advance(sendTimeoutMs - 1)
    slot.decide(decisions.resend)
    slot.acknowledge()
    await slot.clock.advance(sendTimeoutMs - 1)
    expect(slot.effects).not.toContain('expire')
  })
})
