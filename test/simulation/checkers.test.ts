import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import type { OperationRow } from '../../src/core/operation.ts'
import { infoOf } from '../../src/engine/info.ts'
import { EPOCH_MS } from '../../src/testing/world/clock.ts'
import type { FactBody, Sent } from '../../src/testing/world/facts.ts'
import type { Effect } from '../../src/testing/world/model-server.ts'
import type { World } from '../../src/testing/world/world.ts'
import { invariantsIn, saidBy, told } from '../support/told.ts'
import { queued as row } from '../support/queued.ts'

const at = { tab: 'd1.t1', device: 'd1' } as const

/** The tab has the lease from now on. */
function leased(tab: string, epoch: number): FactBody {
  const lease = { name: 'lease', owner: tab, epoch, beat: 0, rev: epoch } as const
  return { type: 'committed', tab, device: 'd1', changes: [], others: [], lease, epoch: undefined }
}

function committed(before: OperationRow | undefined, after: OperationRow | undefined, epoch?: number): FactBody {
  return { type: 'committed', ...at, changes: [{ seq: 1, before, row: after }], others: [], lease: undefined, epoch }
}

function sent(key: string, body: string, number = 1): Extract<FactBody, { type: 'sent' }> {
  const content = { method: 'PATCH', path: '/note/n1', headers: { Authorization: 'Bearer u1-1' }, body }
  const request: Sent = { ...content, ...at, user: 'u1', number, writes: [{ ...content, key }] }
  return { type: 'sent', request }
}

function served(key: string, sequence = 1): FactBody {
  const effect = {
    user: 'u1',
    client: 'c',
    sequence,
    key,
    method: 'PATCH',
    entity: 'note',
    id: 'n1',
    version: 1,
    before: {},
    after: {},
  }
  return { type: 'served', request: sent(key, '{}').request, status: 200, effects: [effect], replayed: false }
}

/** What another request of the tab met. */
function answered(answer: string): FactBody {
  return { type: 'answered', request: sent('other', '1', 2).request, answer }
}

/** The server has changed the note, for the operation of this key. */
function servedEffect(more: Partial<Effect>): FactBody {
  const made = { user: 'u1', client: 'c', sequence: 1, key: 'other', method: 'PATCH', entity: 'note', id: 'n1', version: 1 }
  const effect: Effect = { ...made, before: undefined, after: undefined, ...more }
  return { type: 'served', request: sent(effect.key, '{}').request, status: 200, effects: [effect], replayed: false }
}

function effectsOf(fact: FactBody): readonly Effect[] {
  return fact.type === 'served' ? fact.effects : []
}

const sending: OperationRow = { ...row, rev: 2, status: 'sending', attempts: 1, unknownAttempts: 1 }
const done: OperationRow = { ...sending, rev: 3, status: 'done' }
const reconciling: OperationRow = { ...sending, rev: 3, status: 'reconciling' }
const waiting: OperationRow = { ...sending, rev: 3, status: 'waiting', dueAt: 5 }
const stored = committed(undefined, row)
const opened: FactBody = { type: 'event', ...at, event: { type: 'breaker:opened', trips: 1, remainingMs: 1, at: 0 } }
const claimed = committed(row, sending)

const pending = {
  type: 'update-update',
  id: 'o1.3',
  resolution: 'pending',
  strategy: 'manual',
  fields: [],
  remoteVersion: '3',
} as const
const decided = { ...pending, resolution: 'value', strategy: 'person' } as const
const parked: OperationRow = { ...waiting, status: 'parked', conflict: pending }

function transactionEnded(type: 'transaction:completed' | 'transaction:failed'): FactBody {
  return { type: 'event', ...at, event: { type, transaction: 't1', at: 0 } }
}

const stories: readonly (readonly [invariant: string, what: string, facts: readonly FactBody[]])[] = [
  ['S1', 'the row of an accepted operation is removed', [stored, committed(row, undefined)]],
  ['S1', 'an accepted operation was never stored', [{ type: 'accepted', ...at, user: 'u1', ticket: 1, ids: ['o1'] }]],
  ['S2', 'half of a transaction is stored', [committed(undefined, { ...row, token: 'tx1' })]],
  [
    'S3',
    'a declined operation is stored',
    [
      { type: 'asked', tab: 'd1.t1', ticket: 1, inputs: [{ type: 'update', entity: 'note', id: 'n1', payload: { a: 1 } }] },
      stored,
      { type: 'declined', ...at, ticket: 1, code: 'storage-quota' },
    ],
  ],
  ['S4', 'the server takes effect twice', [stored, claimed, served('o1'), served('o1')]],
  ['S4', 'it is done without any effect', [stored, claimed, committed(sending, done)]],
  ['S4', 'it is rejected after its effect', [stored, claimed, served('o1'), committed(sending, { ...done, status: 'rejected' })]],
  ['S5', 'a key is sent with other bytes', [stored, claimed, sent('o1', '1'), sent('o1', '2')]],
  ['S6', 'it gets a new key after its effect', [stored, claimed, served('o1'), sent('o1.1', '1')]],
  ['S7', 'an end is not the end', [stored, claimed, served('o1'), committed(sending, done), committed(done, sending)]],
  [
    'S8',
    'one that was only misplaced does not end',
    [
      stored,
      { type: 'accepted', ...at, user: 'u1', ticket: 1, ids: ['o1'] },
      {
        type: 'fault',
        kind: 'misplaced-row',
        where: 'd1',
        seqs: [1],
        decayed: { collection: 'operations', key: 1, user: 'u1', field: 'lane', wrong: undefined },
      },
    ],
  ],
  ['S8', 'it does not end', [stored, { type: 'accepted', ...at, user: 'u1', ticket: 1, ids: ['o1'] }]],
  ['S9', 'the server applies a later one first', [stored, claimed, served('o1', 2), served('o1', 1)]],
  [
    'S10',
    'an owner that was overtaken writes',
    [
      {
        type: 'committed',
        ...at,
        changes: [],
        others: [],
        epoch: undefined,
        lease: { name: 'lease', owner: 'x', epoch: 2, beat: 0, rev: 1 },
      },
      committed(undefined, row, 1),
    ],
  ],
  [
    'S11',
    'the server takes effect after the rejection',
    [stored, claimed, committed(sending, { ...done, status: 'rejected' }), served('o1')],
  ],
  [
    'S15',
    'what was kept is taken back',
    [
      committed(undefined, { ...row, token: 'one' }),
      { type: 'optimistic', tab: 'd1.t1', token: 'one', change: 'kept' },
      { type: 'optimistic', tab: 'd1.t1', token: 'one', change: 'taken-back' },
    ],
  ],
  [
    'S17',
    'what was attempted is merged',
    [stored, claimed, committed(sending, { ...done, status: 'superseded', supersededBy: 'o2' })],
  ],
  [
    'S22',
    'it is due before Retry-After is over',
    [
      stored,
      claimed,
      { type: 'answered', request: sent('o1', '1').request, answer: '503', retryAfter: '60' },
      committed(sending, waiting),
    ],
  ],
  ['S23', 'it is sent while the breaker is open', [stored, opened, sent('o1', '1')]],
  [
    'S24',
    'a 401 costs an attempt',
    [
      stored,
      claimed,
      committed(sending, {
        ...waiting,
        lastError: { name: 'AuthenticationError', code: 'authentication', message: '', status: 401 },
      }),
    ],
  ],
  [
    'S12',
    'what only the server has changed is set back',
    [
      stored,
      servedEffect({ version: 3, before: undefined, after: { a: 0, b: 0 } }),
      committed({ ...reconciling, baseVersion: '3' }, { ...sending, reconciliations: 1, baseVersion: '4' }),
      servedEffect({ key: 'o1.1', version: 5, before: { a: 0, b: 2 }, after: { a: 1, b: 0 } }),
    ],
  ],
  [
    'S12',
    'what a person has decided is on record as something else',
    [
      committed(undefined, parked),
      committed(parked, { ...parked, status: 'waiting', conflict: decided }),
      committed({ ...reconciling, conflict: decided }, { ...sending, conflict: { ...decided, resolution: 'local' } }),
    ],
  ],
  [
    'S15',
    'the success is told of what was given up with its transaction',
    [
      committed(undefined, { ...row, token: 'tx1' }),
      committed(row, {
        ...row,
        token: 'tx1',
        status: 'cancelled',
        lastError: { name: 'SyncError', code: 'transaction-failed', message: '' },
      }),
      { type: 'optimistic', tab: 'd1.t1', token: 'tx1', change: 'kept' },
    ],
  ],
  [
    'S31',
    'what a create met is deleted with its transaction',
    [
      committed(undefined, { ...row, type: 'create' }),
      servedEffect({ key: 'o1', before: { b: 1 }, after: { a: 1, b: 1 } }),
      committed(undefined, { ...row, id: 'o2', seq: 2, type: 'delete', idempotencyKey: 'o1.undo' }),
      servedEffect({ key: 'o1.undo', version: 2, before: { a: 1, b: 1 } }),
    ],
  ],
  [
    'S31',
    'the end of a transaction is told twice',
    [transactionEnded('transaction:failed'), transactionEnded('transaction:failed')],
  ],
  [
    'S16',
    'a merged operation leaves less than those that it took over',
    [
      stored,
      committed(undefined, { ...row, id: 'o2', idempotencyKey: 'o2', payload: { b: 2 } }),
      committed(row, { ...row, status: 'superseded', supersededBy: 'o2' }),
      servedEffect({ key: 'o2', version: 3, before: {}, after: { b: 2 } }),
    ],
  ],
  [
    'S27',
    'an older build writes the store of a newer one',
    [
      { type: 'tab', ...at, user: 'u1', change: 'starting', build: 1 },
      { type: 'tab', tab: 'd1.t2', device: 'd1', user: 'u1', change: 'starting', build: 2 },
      { type: 'tab', tab: 'd1.t2', device: 'd1', user: 'u1', change: 'started', build: 2 },
      stored,
    ],
  ],
  ['S25', 'it is sent as somebody else', [stored, { ...sent('o1', '1'), request: { ...sent('o1', '1').request, user: 'u2' } }]],
]

/** What the server has confirmed of the note is stored. */
function holds(version: string, value: JsonObject): FactBody {
  const others = [`entities ${JSON.stringify({ key: 'u1/note/n1', version, value })}`]
  return { type: 'committed', ...at, changes: [], others, lease: undefined, epoch: 1 }
}

/** It is sent, refused and sent anew, and replaces what the server has by then. */
function resentOn(made: Partial<OperationRow>, before: JsonObject): readonly FactBody[] {
  const [first, refused] = [
    { ...sending, ...made },
    { ...reconciling, ...made },
  ]
  const resent: OperationRow = { ...first, rev: 4, reconciliations: 1, attempts: 2 }
  const effect = servedEffect({ key: 'o1.1', version: 9, before, after: { a: 1 } })
  return [committed(row, first), committed(first, refused), committed(refused, resent), effect]
}

const silent: readonly (readonly [what: string, facts: readonly FactBody[]])[] = [
  [
    'it was queued while what others made was being written',
    [holds('1', { a: 0 }), stored, holds('2', { a: 5 }), committed(row, { ...sending, base: { a: 5 }, baseVersion: '2' })],
  ],
  [
    'a loss of power took back on what it was sent first',
    [
      stored,
      ...resentOn({ base: { a: 7 } }, { a: 7 }).slice(0, 3),
      { type: 'fault', kind: 'power-loss', where: 'd1', seqs: [1] },
      ...resentOn({ base: { a: 8 } }, { a: 8 }),
    ],
  ],
  [
    'it was made on what came of an older version by operations of ours',
    [servedEffect({ version: 3, after: { b: 4 } }), holds('8', { a: 3 }), stored, ...resentOn({ baseVersion: '3' }, { a: 3 })],
  ],
]

describe('the checkers', () => {
  it.each(stories)('F4 %s is said to be violated when %s', (invariant, _, facts) => {
    expect(told(facts).violations.map((violation) => violation.invariant)).toContain(invariant)
  })

  it('F4 S10 say nothing of who mends where a row stands that another plays', () => {
    const byOther = (after: OperationRow): readonly string[] => {
      const fact: FactBody = { ...committed(sending, after), tab: 'd1.t2' } as FactBody
      return told([stored, leased('d1.t1', 1), claimed, fact]).violations.map(({ checker }) => checker)
    }
    expect(byOther({ ...sending, dueAt: -1 })).not.toContain('leases')
    expect(byOther({ ...sending, dueAt: -1, rev: 3 })).toContain('leases')
  })

  it('F4 S3 say that what a schema refuses is stored, unless it takes another back', async () => {
    const said = (idempotencyKey: string): Promise<readonly string[]> => {
      const made: OperationRow = { ...row, idempotencyKey, type: 'create', payload: { low: 5, high: 1 } }
      return saidBy('schemas', [[0, committed(undefined, made)]], 10, (settings) => ({ ...settings, schemas: ['at-once'] }))
    }
    expect(await said('o1')).toEqual(['S3'])
    expect(await said('o0.undo')).toEqual([])
  })

  it('F4 S10 say nothing of an owner that lays down what it played as it gives the lease back, unless another has that', () => {
    const given: FactBody = { ...leased('d1.t1', 1), lease: { name: 'lease', owner: '', epoch: 1, beat: 0, rev: 2 } } as FactBody
    const before = [stored, leased('d1.t1', 1), claimed, given]
    expect(invariantsIn([...before, committed({ ...sending, dueAt: -1 }, waiting)])).not.toContain('S10')
    expect(invariantsIn([...before, committed(sending, { ...sending, dueAt: -1, rev: 3 })])).toContain('S10')
    expect(invariantsIn([...before, leased('d1.t2', 2), committed({ ...sending, dueAt: -1 }, waiting)])).toContain('S10')
  })

  it('F4 S23 say nothing of a request that had waited for new credentials when the breaker opened', () => {
    const violated = (facts: readonly FactBody[]): readonly string[] => told(facts).violations.map(({ sentence }) => sentence)
    const sentOpen = 'd1.t1 sent request 1 though its breaker is open.'
    expect(violated([stored, claimed, answered('401'), opened, sent('o1', '1')])).not.toContain(sentOpen)
    expect(violated([stored, claimed, opened, answered('401'), sent('o1', '1')])).toContain(sentOpen)
    const turn: FactBody = { type: 'event', ...at, event: { type: 'sync:started', operation: infoOf(row), at: 0 } }
    expect(violated([stored, claimed, turn, answered('401'), opened, sent('o1', '1')])).not.toContain(sentOpen)
    expect(violated([stored, claimed, answered('401'), opened, turn, sent('o1', '1')])).toContain(sentOpen)
  })

  it('F4 S23 count who may have been given up while it waited for new credentials as failed', () => {
    const openedAfter = (answer: string): readonly string[] =>
      invariantsIn([
        ...Array.from({ length: 10 }, (_, at): OperationRow => ({
          ...row,
          id: `k${at}`,
          seq: at,
          idempotencyKey: `k${at}`,
        })).flatMap((one, at): FactBody[] => [
          committed(undefined, one),
          sent(one.idempotencyKey, '{}', at),
          { type: 'answered', request: sent(one.idempotencyKey, '{}', at).request, answer },
        ]),
        opened,
      ])
    expect(openedAfter('401')).not.toContain('S23')
    expect(openedAfter('404')).toContain('S23')
  })

  it('F4 S22 say nothing of the wait that a portal asks for where the network itself is gone', () => {
    const asked: FactBody = { type: 'answered', request: sent('o1', '1').request, answer: '511', retryAfter: '60' }
    const offline: FactBody = { type: 'event', ...at, event: { type: 'network:offline', at: 0 } }
    expect(invariantsIn([stored, claimed, asked, committed(sending, waiting)])).toContain('S22')
    expect(invariantsIn([stored, claimed, asked, offline, committed(sending, waiting)])).not.toContain('S22')
    expect(invariantsIn([stored, claimed, offline, asked, committed(sending, waiting)])).not.toContain('S22')
  })

  it('F4 S22 say nothing of what is due when the wait is over by a clock that was set back meanwhile', () => {
    const asked: FactBody = { type: 'answered', request: sent('o1', '1').request, answer: '503', retryAfter: '60' }
    const hourMs = 3_600_000
    const clock = ({ devices }: World): void => void (devices[0]!.clock.skewMs = -hourMs)
    const due = (dueAt: number): FactBody => committed(sending, { ...waiting, dueAt })
    const before = [stored, claimed, asked]
    expect(invariantsIn([...before, due(EPOCH_MS + 60_000 - hourMs)])).toContain('S22')
    expect(invariantsIn([...before, clock, due(EPOCH_MS + 60_000 - hourMs)])).not.toContain('S22')
    expect(invariantsIn([...before, clock, due(EPOCH_MS + 59_999 - hourMs)])).toContain('S22')
    expect(invariantsIn([...before, clock, due(EPOCH_MS + 60_000)])).not.toContain('S22')
  })

  it('F4 S22 say nothing of a claim of what was due before the clock was set back, be it by a year', () => {
    const wait = { ...waiting, dueAt: EPOCH_MS + 60_000 }
    const clock =
      (skewMs: number) =>
      ({ devices }: World): void =>
        void (devices[0]!.clock.skewMs = skewMs)
    const other = committed(undefined, { ...row, id: 'o2', seq: 2, idempotencyKey: 'o2' })
    const before = [stored, claimed, committed(sending, wait)]
    const taken = committed(wait, { ...sending, attempts: 2 })
    expect(invariantsIn([...before, taken])).toContain('S22')
    expect(invariantsIn([...before, clock(60_000), other, clock(0), taken])).not.toContain('S22')
    expect(invariantsIn([...before, clock(60_000), other, clock(0), other, taken])).not.toContain('S22')
    expect(invariantsIn([...before, clock(59_999), other, clock(0), other, taken])).toContain('S22')
  })

  it('F4 S6 say nothing of what a tab had chosen before another took its lease', () => {
    const anew = [leased('d1.t1', 1), stored, claimed, sent('o1', '1'), served('o1.1')]
    expect(invariantsIn([...anew, sent('o1', '1')])).toContain('S6')
    expect(invariantsIn([...anew, leased('d1.t2', 2), sent('o1', '1')])).not.toContain('S6')
    expect(invariantsIn([...anew, leased('d1.t2', 2), leased('d1.t1', 3), sent('o1', '1')])).toContain('S6')
  })

  it('F4 S3 say nothing of the same that was stored by another call', () => {
    const inputs = [{ type: 'update', entity: 'note', id: 'n1', payload: { a: 1 } }] as const
    const asked: FactBody = { type: 'asked', tab: 'd1.t1', ticket: 1, inputs }
    const declined: FactBody = { type: 'declined', ...at, ticket: 1, code: 'storage-quota' }
    expect(invariantsIn([stored, asked, declined])).not.toContain('S3')
    expect(invariantsIn([asked, stored, declined])).toContain('S3')
  })

  it('F4 L10 say nothing of a lease that could not be given back, and be it by somebody who logged out first', () => {
    const tab = (change: 'stopping' | 'stopped'): FactBody => ({ type: 'tab', ...at, user: 'u1', build: 1, change })
    const failed: FactBody = { type: 'refused-commit', tab: 'd1.t1', code: 'storage-newer' }
    const asked: FactBody = { type: 'log-out', ...at, user: 'u1', pending: 'keep', result: 'asked', givenUp: 0 }
    const stopped: FactBody = { type: 'event', ...at, event: { type: 'engine:stopped', at: 0 } }
    const leaving = [tab('stopping'), tab('stopped')]
    expect(invariantsIn([leased('d1.t1', 1), failed, ...leaving])).toContain('L10')
    expect(invariantsIn([leased('d1.t1', 1), tab('stopping'), failed, tab('stopped')])).not.toContain('L10')
    expect(invariantsIn([leased('d1.t1', 1), asked, failed, stopped, ...leaving])).not.toContain('L10')
    expect(invariantsIn([leased('d1.t1', 1), failed, asked, stopped, ...leaving])).toContain('L10')
  })

  it('F4 E3 say that a tab shows something of who has logged out, until it starts anew', () => {
    const shows = (value: JsonObject | undefined): FactBody => {
      return {
        type: 'shown',
        ...at,
        user: 'u1',
        entity: 'task',
        id: 't1',
        value,
        status: value === undefined ? 'gone' : 'synced',
      }
    }
    const out: FactBody = { type: 'event', ...at, event: { type: 'engine:logged-out', at: 0 } }
    const starts: FactBody = { type: 'tab', ...at, user: 'u1', build: 1, change: 'starting' }
    expect(invariantsIn([shows({ a: 1 }), shows(undefined), out])).not.toContain('E3')
    expect(invariantsIn([shows({ a: 1 }), out])).toContain('E3')
    expect(invariantsIn([out, shows({ a: 1 })])).toContain('E3')
    expect(invariantsIn([shows({ a: 1 }), starts, out, starts, shows({ a: 1 })])).not.toContain('E3')
  })

  it('F4 S31 say that the end of a transaction is not told, once it could have been', async () => {
    const alone: OperationRow = { ...row, transaction: { id: 't1', place: 0, size: 1 } }
    const ends = committed({ ...alone, status: 'sending' }, { ...alone, status: 'done' })
    const said = (...facts: readonly FactBody[]): Promise<readonly string[]> => {
      const later: FactBody = { ...answered('200') }
      return saidBy('verdicts', [...facts.map((fact) => [5, fact] as const), [9_000, later]], 10_000)
    }
    const before = committed(undefined, alone)
    expect(await said(before, ends)).toEqual(['S31'])
    expect(await said(before, ends, transactionEnded('transaction:completed'))).toEqual([])
    expect(await said(before, ends, transactionEnded('transaction:failed'))).toEqual(['S31'])
    expect(await said(before, ends, { type: 'tab', ...at, user: 'u1', build: 1, change: 'killed' })).toEqual([])
  })

  it('F4 S31 say that what was enqueued behind it is taken back with it, but not that its stamp is another, nor what took another back', () => {
    const undo: OperationRow = { ...row, id: 'o3', seq: 3, idempotencyKey: 'o1.undo', payload: { a: null, hlc: '3' } }
    const takenBack = (payload: JsonObject, before: JsonObject, after: JsonObject, key = 'o2'): readonly string[] =>
      invariantsIn([
        ...[stored, served('o1'), committed(undefined, { ...row, id: 'o2', seq: 2, idempotencyKey: key, payload })],
        ...[servedEffect({ key, version: 2, before: { a: 1, hlc: '1' }, after: before }), committed(undefined, undo)],
        servedEffect({ key: 'o1.undo', version: 3, before, after }),
      ])
    const again: JsonObject = { a: 1, hlc: '2' }
    expect(takenBack({ a: 2, hlc: '2' }, { a: 2, hlc: '2' }, { hlc: '3' })).toContain('S31')
    expect(takenBack({ b: 2, hlc: '2' }, { a: 1, b: 2, hlc: '2' }, { b: 2, hlc: '3' })).not.toContain('S31')
    expect(takenBack(again, again, { hlc: '3' })).toContain('S31')
    expect(takenBack(again, again, { hlc: '3' }, 'o0.undo')).not.toContain('S31')
  })

  it('F4 S2 do not take what was discarded on its way, and is stored again, for half of what was enqueued together', () => {
    expect(invariantsIn([committed(undefined, { ...done, token: 'tx1' })])).not.toContain('S2')
  })

  it('F4 S31 say that one of a transaction took effect alone, unless the server had only forgotten its answer', () => {
    const of = (place: number): OperationRow => ({
      ...row,
      ...{ id: `o${place + 1}`, seq: place + 1, idempotencyKey: `o${place + 1}` },
      transaction: { id: 't1', place, size: 2, sent: 'together' },
    })
    const changes = [of(0), of(1)].map((one) => ({ seq: one.seq, before: undefined, row: one }))
    const both: FactBody = { type: 'committed', ...at, changes, others: [], lease: undefined, epoch: undefined }
    const effects = ['o1', 'o2'].flatMap((key) => effectsOf(servedEffect({ key })))
    const together: FactBody = { type: 'served', request: sent('o1', '{}').request, status: 200, effects, replayed: false }
    const restored: FactBody = { type: 'fault', kind: 'restored-backup', where: 'the server', seqs: [] }
    const forgotten: FactBody = { ...restored, kind: 'answers-lost' }
    expect(invariantsIn([both, servedEffect({ key: 'o1' })])).toContain('S31')
    expect(invariantsIn([both, together, forgotten, servedEffect({ key: 'o1' })])).not.toContain('S31')
    expect(invariantsIn([both, together, restored, servedEffect({ key: 'o1' })])).toContain('S31')
  })

  it('F4 S31 say that what was applied is not taken back, unless a backup has lost it', () => {
    const undo = { type: 'update', payload: { a: null } } as const
    const done: OperationRow = { ...row, transaction: { id: 't1', place: 0, size: 2 }, undo }
    const failed: OperationRow = {
      ...row,
      id: 'o2',
      seq: 2,
      entityId: 't2',
      idempotencyKey: 'o2',
      transaction: { id: 't1', place: 1, size: 2 },
    }
    const changes = [done, failed].map((one) => ({ seq: one.seq, before: undefined, row: one }))
    const both: FactBody = { type: 'committed', ...at, changes, others: [], lease: undefined, epoch: undefined }
    const ends = [committed(done, { ...done, status: 'done' }), committed(failed, { ...failed, status: 'cancelled' })]
    const restored: FactBody = { type: 'fault', kind: 'restored-backup', where: 'the server', seqs: [] }
    expect(invariantsIn([both, served('o1'), ...ends])).toContain('S31')
    expect(invariantsIn([both, served('o1'), restored, ...ends])).not.toContain('S31')
    expect(invariantsIn([both, restored, served('o1'), ...ends])).toContain('S31')
  })

  it('F4 S9 say of a child that it was sent while its parent can not be read, and nothing once that is discarded', () => {
    const child = { ...row, id: 'o2', seq: 2, idempotencyKey: 'o2', dependsOn: ['o1'] }
    const damaged: FactBody = { type: 'fault', kind: 'corrupt-row', where: 'd1', seqs: [1] }
    const lost: FactBody = { ...damaged, kind: 'power-loss' }
    const both = [stored, committed(undefined, child)]
    expect(invariantsIn([...both, damaged, sent('o2', '2')])).toContain('S9')
    expect(invariantsIn([...both, damaged, committed(row, undefined), sent('o2', '2')])).not.toContain('S9')
    expect(invariantsIn([...both, damaged, lost, sent('o2', '2')])).not.toContain('S9')
  })

  it('F4 S5 say nothing of a key that is given again because the row that had it was lost', () => {
    const lost: FactBody = { type: 'fault', kind: 'power-loss', where: 'd1', seqs: [1] }
    const again = committed(undefined, { ...row, id: 'o2' })
    expect(invariantsIn([stored, sent('o1', '1'), again, sent('o1', '2')])).toContain('S5')
    expect(invariantsIn([stored, sent('o1', '1'), lost, again, sent('o1', '2')])).not.toContain('S5')
    expect(invariantsIn([stored, sent('o1', '1'), lost, again, sent('o1', '2'), sent('o1', '3')])).toContain('S5')
  })

  it('F4 S5 say nothing of what is made anew because it was put back, as where there is no batch endpoint', () => {
    const other = { ...sent('o1', '{}').request, headers: { Authorization: 'Bearer u1-1', 'If-Match': '"5"' } }
    const anew: FactBody = { type: 'sent', request: { ...other, writes: [{ ...other, key: 'o1' }] } }
    const before = [stored, claimed, sent('o1', '{}')]
    expect(invariantsIn([...before, committed(sending, { ...row, rev: 3 }), anew])).not.toContain('S5')
    expect(invariantsIn([...before, committed(sending, waiting), anew])).toContain('S5')
  })

  it('F4 S4 say nothing of one that is done by what was applied under its key before the row that had it was lost', () => {
    const lost: FactBody = { type: 'fault', kind: 'power-loss', where: 'd1', seqs: [1] }
    const other = { id: 'o2', seq: 2 }
    const again = [
      committed(undefined, { ...row, ...other }),
      committed({ ...row, ...other }, { ...sending, ...other }),
      committed({ ...sending, ...other }, { ...done, ...other }),
    ]
    expect(invariantsIn([stored, claimed, served('o1'), lost, ...again])).not.toContain('S4')
    expect(invariantsIn([stored, claimed, lost, ...again])).toContain('S4')
  })

  it('F4 say nothing of an operation that goes well', () => {
    const accepted: FactBody = { type: 'accepted', ...at, user: 'u1', ticket: 1, ids: ['o1'] }
    expect(told([stored, accepted, claimed, sent('o1', '1'), served('o1'), committed(sending, done)]).violations).toMatchObject([
      // Its row is told of, not stored.
      { invariant: 'S8', sentence: expect.stringContaining('not in the store') },
    ])
  })

  it.each(silent)('S12 say nothing where %s', (_, facts) => {
    expect(told(facts).violations.filter(({ invariant }) => invariant === 'S12')).toEqual([])
  })

  it('S12 tell of what an operation replaced, as long as the device holds what it was made on', () => {
    const facts = [
      servedEffect({ version: 3, after: { a: 4 } }),
      holds('3', { a: 4 }),
      stored,
      ...resentOn({ baseVersion: '3' }, { a: 5 }),
    ]
    expect(told(facts).violations).toContainEqual(expect.objectContaining({ invariant: 'S12', checker: 'three-way' }))
  })

  it('S12 tell of an update of what was deleted that the schema refuses, unless it refuses what it was made on, too', async () => {
    const look: FactBody = {
      type: 'served',
      request: { ...sent('', '').request, method: 'GET', path: '/note/n1', writes: [] },
      status: 404,
      effects: [],
      replayed: false,
    }
    const made = { payload: { high: 1 }, baseVersion: '3' }
    const resent: OperationRow = { ...sending, ...made, rev: 4, reconciliations: 1, attempts: 2 }
    const said = (low: number, high: number): Promise<readonly string[]> => {
      const facts = [
        servedEffect({ version: 3, after: { low, high } }),
        stored,
        look,
        committed({ ...reconciling, ...made }, resent),
      ]
      return saidBy(
        'three-way',
        facts.map((fact, i) => [i, fact]),
        10,
        (settings) => ({ ...settings, schemas: ['at-once'], conflict: 'localWins' }),
      )
    }
    expect(await said(5, 9)).toEqual(['S12'])
    expect(await said(5, 4)).toEqual([])
  })
})
