import { describe, expect, it } from 'vitest'
import { claimedRow, decisions, makeSlot, outcomes, resent, retry, sendTimeoutMs, type Slot } from './operation-world.ts'

const inState = {
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
  recording() {
    const slot = inState.sending()
    slot.answer(outcomes.applied)
    return slot
  },
}

describe('a slot', () => {
  it('S7 is free for the next once its operation was recorded as ended', () => {
    const slot = inState.recording()
    slot.acknowledge()
    expect(slot.state()).toBe('idle')
    expect(slot.effects).toEqual(['send', 'abort', 'record', 'vacate'])
    slot.assign(claimedRow({ id: 'next' }))
    expect(slot.row()?.id).toBe('next')
  })
})

/** What an outcome makes of the first attempt's row. */
function after(outcome: Parameters<Slot['answer']>[0], change: Parameters<typeof claimedRow>[0] = {}): Slot {
  const slot = makeSlot()
  slot.assign(claimedRow(change))
  slot.answer(outcome)
  expect(slot.state()).toBe('recording')
  expect(slot.effects).toEqual(['send', 'abort', 'record'])
  return slot
}

describe('the outcome of an attempt', () => {
  it('S7 applied: it is done, and the row is out of every queue', () => {
    const { recorded } = after(outcomes.applied)
    expect(recorded[0]).toMatchObject({ status: 'done', finishedAt: 1_000_000, attempts: 1 })
    expect(recorded[0]).not.toHaveProperty('lane')
    expect(recorded[0]).not.toHaveProperty('dueAt')
  })

  it('S22 Retry-After is a floor that no cap cuts', () => {
    expect(after(outcomes.retryAfter).recorded[0]!.dueAt).toBeGreaterThanOrEqual(1_000_000 + 7_000)
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

  it('S7 definitely rejected: it is rolled back before it counts as rejected', () => {
    const slot = after(outcomes.refused, { attempts: 3, unknownAttempts: 3 })
    expect(slot.recorded[0]).toMatchObject({ status: 'rollingBack' })
    slot.acknowledge()
    expect([slot.state(), slot.effects.at(-1)]).toEqual(['rollingBack', 'rollBack'])
    slot.rolledBack()
    expect(slot.recorded[1]).toMatchObject({ status: 'rejected', lastError: { code: 'client' } })
  })

  it('A3 conflict: the server is looked at before anything else is done', () => {
    const slot = after(outcomes.conflict)
    expect(slot.recorded[0]).toMatchObject({ status: 'reconciling', unknownAttempts: 0 })
    slot.acknowledge()
    expect(slot.effects.at(-1)).toBe('reconcile')
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
      slot.decide(decisions.resend)
      slot.acknowledge()
      if (slot.state() === 'idle') break
      keys.push(slot.key())
    }
    expect(keys).toEqual(['key', 'key.1', 'key.2'])
    expect(slot.recorded.at(-1)).toMatchObject({ status: 'parked', lastError: { code: 'changed-too-often' } })
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
