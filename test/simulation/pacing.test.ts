import { describe, expect, it } from 'vitest'
import type { ServerWishes } from '../../src/core/ports.ts'
import type { OperationRow } from '../../src/core/operation.ts'
import type { FactBody, Sent } from '../../src/testing/world/facts.ts'
import { queued } from '../support/queued.ts'
import { saidBy } from '../support/told.ts'

const at = { tab: 'd1.t1', device: 'd1' } as const
const write = { method: 'PATCH', path: '/note/n1', headers: { Authorization: 'Bearer u1-1' }, body: '{}', key: 'o1' }
const pull: Sent = { ...write, ...at, method: 'GET', path: '/note?limit=1', user: 'u1', number: 1, writes: [] }
const one: Sent = { ...write, ...at, user: 'u1', number: 2, writes: [write] }
const three: Sent = { ...one, path: '/batch', body: '{"atomic":false}', writes: [write, write, write] }

const sent = (request: Sent): FactBody => ({ type: 'sent', request })
const answered = (request: Sent, wishes: ServerWishes, answer = '200'): FactBody => ({
  type: 'answered',
  request,
  answer,
  wishes,
})
const completed: FactBody = { type: 'event', ...at, event: { type: 'pull:completed', entity: 'note', changes: 0, at: 0 } }

/** What is said to be violated, where each of these happens a second after the one before. */
function invariantsIn(facts: readonly FactBody[]): Promise<readonly string[]> {
  const timed = facts.map((fact, place): [number, FactBody] => [1_000 * (place + 1), fact])
  return saidBy('pacing', timed, 1_000 * (facts.length + 1))
}

function scheduled(inMs: number): readonly FactBody[] {
  const row: OperationRow = { ...queued, payload: {}, status: 'waiting', dueAt: 0, notBefore: inMs }
  const about = { type: 'committed', ...at, others: [], lease: undefined, epoch: undefined } as const
  const claimed: OperationRow = { ...row, status: 'sending', attempts: 1, unknownAttempts: 1, rev: 2 }
  return [
    { ...about, changes: [{ seq: 1, before: undefined, row }] },
    { ...about, changes: [{ seq: 1, before: row, row: claimed }] },
  ]
}

describe('the checker of paces', () => {
  it.each<readonly [string, readonly FactBody[]]>([
    ['something is sent in a pause', [sent(one), answered(one, { pauseMs: 5_000 }), sent(one)]],
    ['a pull begins too soon', [sent(pull), answered(pull, { minPollMs: 60_000 }), completed, sent(pull)]],
    ['a batch is too large', [sent(one), answered(one, { maxBatch: 2 }), sent(three)]],
    ['an operation is claimed before its time', scheduled(8e15)],
  ])('B7 tells when %s', async (_, facts) => {
    expect(await invariantsIn(facts)).toEqual(['B7'])
  })

  it.each<readonly [string, readonly FactBody[]]>([
    ['what is sent after a pause', [sent(one), answered(one, { pauseMs: 500 }), sent(one)]],
    [
      'a pause that a 401 asks for, after which the same is sent with a new token',
      [sent(one), answered(one, { pauseMs: 5_000 }, '401'), sent(one)],
    ],
    ['the next page of a pull', [sent(pull), answered(pull, { minPollMs: 60_000 }), sent(pull)]],
    [
      'a pull that is tried again after one that a 401 had been waiting for',
      [
        answered(pull, { minPollMs: 1_500 }, '401'),
        answered(pull, { minPollMs: 1_500 }),
        completed,
        completed,
        sent(pull),
        answered(pull, {}),
        sent(pull),
      ],
    ],
    ['an atomic batch', [sent(one), answered(one, { maxBatch: 2 }), sent({ ...three, body: '{"atomic":true}' })]],
    [
      'another process',
      [sent(one), answered(one, { pauseMs: 5_000 }), { type: 'tab', ...at, user: 'u1', change: 'starting', build: 1 }, sent(one)],
    ],
    ['an operation whose time has come', scheduled(1)],
  ])('B7 says nothing of %s', async (_, facts) => {
    expect(await invariantsIn(facts)).toEqual([])
  })
})
