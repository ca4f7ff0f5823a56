import { createActor } from 'xstate'
import { operationMachine, type OperationEvent } from '../../machines/operation.ts'
import type { PreparedDecision } from '../../src/core/reconcile.ts'
import {
  CircuitBreakerOpenError,
  ClientError,
  ConflictError,
  NetworkError,
  AuthenticationError,
  RateLimitError,
  UNREACHABLE,
} from '../../src/core/errors.ts'
import { wireKey, type OperationRow } from '../../src/core/operation.ts'
import { DEFAULTS } from '../../src/core/options.ts'
import type { Outcome, PreparedRequest } from '../../src/core/ports.ts'
import { claim } from '../../src/core/rows.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

export const retry = { strategy: 'constant', baseMs: 50, capMs: 1_000, maxAttempts: 3, maxAgeMs: 10_000 } as const
export const sendTimeoutMs = 400
export const maxReconciliations = 2

export const request: PreparedRequest = { method: 'PATCH', path: '/note/a', headers: {}, body: '{"n":1}' }

const queued: OperationRow = {
  seq: 1,
  id: 'op1',
  rev: 1,
  user: 'u',
  type: 'update',
  entity: 'note',
  entityId: 'a',
  payload: { n: 1 },
  status: 'queued',
  priority: 'medium',
  idempotencyKey: 'key',
  enqueuedAt: 1_000_000,
  attempts: 0,
  unknownAttempts: 0,
  reconciliations: 0,
  lane: 'u/note/a',
  rank: 1,
}

/** A row as it is when its first request is about to leave. */
export function claimedRow(change: Partial<OperationRow> = {}): OperationRow {
  return { ...claim(queued, request, undefined), ...change }
}

const conflict = { type: 'update-update', fields: [] } as const

export const outcomes = {
  applied: { type: 'applied', version: '2' },
  retry: { type: 'retry', error: new NetworkError('Refused.') },
  retryAfter: { type: 'retry', error: new RateLimitError('Slow down.'), retryAfterMs: 7_000 },
  unknown: { type: 'unknown', error: new NetworkError('Lost.') },
  unreached: { type: 'unknown', error: new NetworkError('A portal.', { code: UNREACHABLE }) },
  refusedByProxy: { type: 'retry', error: new NetworkError('A proxy.', { code: UNREACHABLE }) },
  conflict: { type: 'conflict', error: new ConflictError('Stale.'), reason: 'stale' },
  auth: { type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) },
  refused: { type: 'rejected', error: new ClientError('Invalid.'), definite: true },
  doubtful: { type: 'rejected', error: new ClientError('A proxy said no.'), definite: false },
} satisfies Record<string, Outcome>

export const resent: PreparedRequest = { ...request, body: '{"n":2}' }

export const decisions = {
  done: { type: 'done' },
  resend: { type: 'resend', as: 'update', payload: { n: 2 }, version: '5', request: resent },
  park: { type: 'park', error: new ConflictError('Decide.'), conflict },
  refuse: { type: 'refuse', error: new ConflictError('Dropped.') },
  failed: { type: 'failed', error: new NetworkError('Unreachable.') },
  auth: { type: 'auth', error: new AuthenticationError('Who?', { status: 401 }) },
  heldBack: { type: 'heldBack', error: new CircuitBreakerOpenError(1_000) },
} satisfies Record<string, PreparedDecision>

/** A slot whose effects are only written down. */
export function makeSlot(expires = false) {
  const clock = createVirtualClock()
  const effects: string[] = []
  const recorded: OperationRow[] = []
  const note = (effect: string) => (): void => void effects.push(effect)
  const logic = operationMachine.provide({
    actions: {
      send: note('send'),
      abort: note('abort'),
      reconcile: note('reconcile'),
      rollBack: note('rollBack'),
      reportAuth: note('reportAuth'),
      vacate: note('vacate'),
      record: ({ context }) => {
        effects.push('record')
        if (context.row !== undefined) recorded.push(context.row)
      },
      expire: () => {
        effects.push('expire')
        if (expires) answer(outcomes.unknown)
      },
    },
  })
  const actor = createActor(logic, {
    input: { retry, ageingMs: DEFAULTS.ageingMs, maxReconciliations, sendTimeoutMs },
    clock: machineClock(clock),
  })
  actor.start()
  effects.length = 0

  const row = (): OperationRow | undefined => actor.getSnapshot().context.row
  const mine = () => ({ operationId: row()?.id ?? '', attempt: row()?.attempts ?? 0, at: clock.now(), random: 0.5 })

  function answer(outcome: Outcome): void {
    send({ type: 'OUTCOME', outcome, ...mine() })
  }
  function send(event: OperationEvent): void {
    actor.send(event)
  }

  return {
    actor,
    clock,
    effects,
    recorded,
    row,
    mine,
    send,
    answer,
    assign: (assigned: OperationRow): void => send({ type: 'ASSIGN', row: assigned }),
    decide: (decision: PreparedDecision): void => send({ type: 'RECONCILED', decision, ...mine() }),
    rolledBack: (): void => send({ type: 'ROLLED_BACK', ...mine() }),
    acknowledge: (): void => send({ type: 'RECORDED' }),
    state: () => actor.getSnapshot().value,
    key: (): string => wireKey(row()!),
  }
}

export type Slot = ReturnType<typeof makeSlot>
