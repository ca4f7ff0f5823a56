import type { OperationActor } from '../../machines/operation.ts'
import { BATCH_UNSUPPORTED, NetworkError, RateLimitError, ServerError, SyncError, TimeoutError } from '../core/errors.ts'
import { wireKey, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { BatchItem, Outcome, SystemPorts, Transport } from '../core/ports.ts'
import { withAssignedId } from '../core/server-ids.ts'
import { isTogether, together } from '../core/transaction.ts'
import type { AnswerChecks } from './answer-checks.ts'
import { isServerFailure, type BreakerSigns } from './breaker-signs.ts'
import type { MetricsCounter } from './metrics.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Reachability } from './reachability.ts'
import type { Transactions } from './transactions.ts'

interface Flight {
  readonly slot: OperationActor
  readonly row: OperationRow
}

export interface SenderHooks {
  clientId(): string
  readonly signs: BreakerSigns
  /** A request left. */
  requested(): void
  readonly reachability: Pick<Reachability, 'vetted'>
  wholeOf: Transactions['wholeOf']
  readonly answers: AnswerChecks
  /** The most operations that the server takes in one request. */
  maxBatch(): number
  readonly budget: Pick<RetryBudget, 'failed' | 'succeeded'>
  readonly health: Pick<MetricsCounter, 'failed' | 'succeeded'>
}

/** Brings claimed operations to the transport, alone or in batches, and the outcomes back to their slots. */
export function createSender(settings: Settings, ports: SystemPorts, transport: Transport, hooks: SenderHooks) {
  const { signs } = hooks
  const controllers = new Map<OperationActor, AbortController>()
  /** By the controller of each: for how many of what it carries its answer is waited for. */
  const requests = new Map<AbortController, number>()
  /** Those whose transaction is read before it is sent. */
  const gathering = new Set<OperationActor>()
  /** What was handed over in this turn: it leaves together with others, or alone. */
  let batched: Flight[] = []
  let alone: Flight[] = []
  let isAtomic = transport.sendAtomic !== undefined
  let batches = transport.sendBatch !== undefined && settings.batchSize > 1

  function send(slot: OperationActor, row: OperationRow): void {
    if (row.request === undefined) return answer(slot, row, unprepared(row))
    if (isTogether(row)) return void flyTogether(slot, row)
    if (!signs.admit(slot)) return answer(slot, row, heldBack())
    if (batched.length + alone.length === 0) queueMicrotask(leave)
    if (isBatchable(row)) batched.push({ slot, row })
    else alone.push({ slot, row })
  }

  /** What is in doubt goes alone: the batch itself may be what fails. */
  function isBatchable(row: OperationRow): boolean {
    return batches && row.unknownAttempts <= 1 && !isTogether(row)
  }

  function largestBatch(): number {
    return Math.min(settings.batchSize, hooks.maxBatch())
  }

  function carry(slots: readonly OperationActor[]): AbortController {
    const controller = new AbortController()
    for (const slot of slots) controllers.set(slot, controller)
    requests.set(controller, slots.length)
    hooks.requested()
    return controller
  }

  /** The slot waits for its request no longer. Gives that if nobody does. */
  function drop(slot: OperationActor): AbortController | undefined {
    const controller = controllers.get(slot)
    if (controller === undefined) return undefined
    controllers.delete(slot)
    const others = (requests.get(controller) ?? 1) - 1
    if (others === 0) requests.delete(controller)
    else requests.set(controller, others)
    return others === 0 ? controller : undefined
  }

  async function flyTogether(slot: OperationActor, row: OperationRow): Promise<void> {
    gathering.add(slot)
    const members = await hooks.wholeOf(row).catch(unread)
    if (!gathering.delete(slot)) return
    if (members instanceof SyncError) return answer(slot, row, { type: 'retry', error: members })
    if (!signs.admit(slot)) return answer(slot, row, heldBack())
    const controller = carry([slot])
    const outcomes = await vetted(members.filter(isWanted), attemptTogether, controller.signal)
    if (controller.signal.aborted) return
    report(outcomes)
    if (outcomes.some(isBatchUnsupported)) isAtomic = false
    if (controllers.get(slot) !== controller) return
    drop(slot)
    const parts = together(members, aligned(members, outcomes))
    answer(slot, row, parts[0] ?? unanswered(), parts)
  }

  /** What the rows came to, after all that is to be said of it. */
  async function vetted(
    rows: readonly OperationRow[],
    attempt: (rows: readonly OperationRow[], signal: AbortSignal) => Promise<readonly Outcome[]>,
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    const heard = await hooks.reachability.vetted(await attempt(rows, signal), signal)
    const told = rows.map((row, at) => withAssignedId(settings.entities, row, heard[at] ?? unanswered()))
    return hooks.answers.concerns(rows) ? hooks.answers.vetted(rows, told, signal) : told
  }

  async function attemptTogether(rows: readonly OperationRow[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const items = rows.flatMap((row) => itemOf(row) ?? [])
    try {
      const sent = await transport.sendAtomic?.(items, { clientId: hooks.clientId(), signal })
      return sent ?? items.map(() => withoutEndpoint())
    } catch (error) {
      return items.map(() => ({ type: 'unknown', error: transportFailed(error) }))
    }
  }

  /** What was handed over in one turn leaves together. */
  function leave(): void {
    const [together, single, size] = [batched, alone, largestBatch()]
    batched = []
    alone = []
    for (let i = 0; i < together.length; i += size) void fly(together.slice(i, i + size))
    for (const flight of single) void fly([flight])
  }

  async function fly(flights: readonly Flight[]): Promise<void> {
    const controller = carry(flights.map(({ slot }) => slot))
    const outcomes = await vetted(
      flights.map(({ row }) => row),
      attempt,
      controller.signal,
    )
    if (controller.signal.aborted) return
    report(outcomes)
    if (outcomes.some(isBatchUnsupported)) batches = false
    flights.forEach(({ slot, row }, i) => {
      if (controllers.get(slot) !== controller) return
      drop(slot)
      answer(slot, row, outcomes[i] ?? unanswered())
    })
  }

  async function attempt(rows: readonly OperationRow[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const clientId = hooks.clientId()
    const items = rows.flatMap((row) => itemOf(row) ?? [])
    try {
      if (items.length > 1 && transport.sendBatch !== undefined) return await transport.sendBatch(items, { clientId, signal })
      return await Promise.all(items.map(({ request, ...item }) => transport.send(request, { ...item, clientId, signal })))
    } catch (error) {
      return items.map(() => ({ type: 'unknown', error: transportFailed(error) }))
    }
  }

  /** One request is one sign of the server's health, however many operations it carried. */
  function report(outcomes: readonly Outcome[]): void {
    tell(outcomes.some(isFailure) ? 'failed' : 'succeeded')
  }

  function tell(sign: 'failed' | 'succeeded'): void {
    for (const one of [signs, hooks.budget, hooks.health]) one[sign]()
  }

  function answer(slot: OperationActor, row: OperationRow, outcome: Outcome, parts?: readonly Outcome[]): void {
    slot.send({
      type: 'OUTCOME',
      operationId: row.id,
      attempt: row.attempts,
      outcome,
      parts,
      at: ports.clock.now(),
      random: ports.random(),
    })
  }

  function heldBack(): Outcome {
    return { type: 'retry', error: signs.heldBack() }
  }

  return {
    send,
    /** Whether transactions are sent as one. */
    isAtomic: (): boolean => isAtomic,
    /** How many operations are on their way, or about to be, in the request of another. */
    shared: (): number => controllers.size - requests.size + batched.length - Math.ceil(batched.length / largestBatch()),
    /** Whether it would leave in a request that leaves anyway. */
    ridesAlong: (row: OperationRow): boolean => isBatchable(row) && batched.length % largestBatch() > 0,
    /** The slot waits no longer: if it had no answer, its time is up. A request that carries others as well goes on for them. */
    abort(slot: OperationActor): void {
      gathering.delete(slot)
      const controller = drop(slot)
      if (controller === undefined) return
      controller.abort()
      tell('failed')
    },
    expire(slot: OperationActor, row: OperationRow): void {
      answer(slot, row, {
        type: 'unknown',
        error: new TimeoutError(
          `No outcome within ${settings.sendTimeoutMs} ms (sendTimeoutMs); it is tried again with the same key.`,
        ),
      })
    },
    abortAll(): void {
      const open = [...requests.keys()]
      for (const slot of [...controllers.keys(), ...[...batched, ...alone].map((flight) => flight.slot)]) signs.abandoned(slot)
      batched = []
      alone = []
      gathering.clear()
      controllers.clear()
      requests.clear()
      for (const controller of open) controller.abort()
    },
  }
}

function itemOf(row: OperationRow): BatchItem | undefined {
  return row.request === undefined ? undefined : { request: row.request, idempotencyKey: wireKey(row), sequence: row.seq }
}

/** What the server has of a transaction already is left out. */
function isWanted({ transaction }: OperationRow): boolean {
  return transaction?.isMet === undefined
}

function aligned(members: readonly OperationRow[], outcomes: readonly Outcome[]): readonly (Outcome | undefined)[] {
  const rest = [...outcomes]
  return members.map((member) => (isWanted(member) ? (rest.shift() ?? unanswered()) : undefined))
}

/** The store says that it was sent to one; this build knows of none. What may have been applied is not divided. */
function withoutEndpoint(): Outcome {
  const message =
    'The transport has no atomic batch any more, and whether the server has applied the transaction is unknown: it waits. Set batch again to have that asked.'
  return { type: 'retry', error: new SyncError(BATCH_UNSUPPORTED, message, { retryable: true }) }
}

function isFailure(outcome: Outcome): boolean {
  if (outcome.type !== 'unknown' && outcome.type !== 'retry') return false
  return isServerFailure(outcome.error) || (outcome.type === 'unknown' && outcome.error instanceof RateLimitError)
}

function isBatchUnsupported(outcome: Outcome): boolean {
  return outcome.type === 'retry' && outcome.error.code === BATCH_UNSUPPORTED
}

function transportFailed(cause: unknown): SyncError {
  return new NetworkError(
    'The transport failed; whether the request was applied is unknown, so it is tried again with the same key.',
    { cause, code: 'transport' },
  )
}

function unanswered(): Outcome {
  return {
    type: 'unknown',
    error: new ServerError('The batch brought no answer for this operation; it is tried again with the same key.'),
  }
}

function unread(cause: unknown): SyncError {
  if (cause instanceof SyncError) return cause
  return new SyncError('storage-unavailable', "The transaction can't be read; it is tried again.", { cause, retryable: true })
}

function unprepared(row: OperationRow): Outcome {
  return {
    type: 'rejected',
    definite: false,
    error: new SyncError('unprepared', `Operation ${row.id} has no request; please report this.`),
  }
}
