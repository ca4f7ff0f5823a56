import type { OperationActor } from '../../machines/operation.ts'
import { CircuitBreakerOpenError, NetworkError, RateLimitError, ServerError, SyncError, TimeoutError } from '../core/errors.ts'
import { wireKey, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { Outcome, PreparedRequest, SystemPorts, Transport } from '../core/ports.ts'
import { isServerFailure, type BreakerSigns } from './breaker-signs.ts'
import type { Reachability } from './reachability.ts'

interface Flight {
  readonly slot: OperationActor
  readonly row: OperationRow
  readonly request: PreparedRequest
}

export interface SenderHooks {
  clientId(): string
  readonly signs: BreakerSigns
  /** A request left. */
  requested(): void
  readonly reachability: Pick<Reachability, 'vetted'>
}

/** Brings claimed operations to the transport, alone or in batches, and the outcomes back to their slots. */
export function createSender(settings: Settings, ports: SystemPorts, transport: Transport, hooks: SenderHooks) {
  const { signs } = hooks
  const controllers = new Map<OperationActor, AbortController>()
  let waiting: Flight[] = []
  let batches = transport.sendBatch !== undefined && settings.batchSize > 1

  function send(slot: OperationActor, row: OperationRow): void {
    if (row.request === undefined) return answer(slot, row, unprepared(row))
    if (!signs.admit(slot))
      return answer(slot, row, { type: 'retry', error: new CircuitBreakerOpenError(settings.breaker.cooldownMs) })
    waiting.push({ slot, row, request: row.request })
    if (waiting.length === 1) queueMicrotask(leave)
  }

  /** What was handed over in one turn leaves together. */
  function leave(): void {
    const flights = waiting
    waiting = []
    const together = batches ? flights.filter(isFirstTry) : []
    for (let i = 0; i < together.length; i += settings.batchSize) void fly(together.slice(i, i + settings.batchSize))
    for (const flight of flights) if (!batches || !isFirstTry(flight)) void fly([flight])
  }

  async function fly(flights: readonly Flight[]): Promise<void> {
    const controller = new AbortController()
    for (const { slot } of flights) controllers.set(slot, controller)
    hooks.requested()
    const answered = await attempt(flights, controller.signal)
    const outcomes = await hooks.reachability.vetted(answered, controller.signal)
    if (controller.signal.aborted) return
    report(outcomes)
    const isRefusedAsBatch = flights.length > 1 && outcomes.some(isBatchUnsupported)
    if (isRefusedAsBatch) batches = false
    flights.forEach(({ slot, row }, i) => {
      if (controllers.get(slot) !== controller) return
      controllers.delete(slot)
      if (isRefusedAsBatch) send(slot, row)
      else answer(slot, row, outcomes[i] ?? unanswered())
    })
  }

  async function attempt(flights: readonly Flight[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const clientId = hooks.clientId()
    try {
      if (flights.length > 1 && transport.sendBatch !== undefined) {
        const items = flights.map(({ row, request }) => ({ request, idempotencyKey: wireKey(row), sequence: row.seq }))
        return await transport.sendBatch(items, { clientId, signal })
      }
      return await Promise.all(
        flights.map(({ row, request }) =>
          transport.send(request, { idempotencyKey: wireKey(row), clientId, sequence: row.seq, signal }),
        ),
      )
    } catch (error) {
      return flights.map(() => ({ type: 'unknown', error: transportFailed(error) }))
    }
  }

  /** One request is one sign of the server's health, however many operations it carried. */
  function report(outcomes: readonly Outcome[]): void {
    if (outcomes.some(isFailure)) signs.failed()
    else signs.succeeded()
  }

  function answer(slot: OperationActor, row: OperationRow, outcome: Outcome): void {
    slot.send({
      type: 'OUTCOME',
      operationId: row.id,
      attempt: row.attempts,
      outcome,
      at: ports.clock.now(),
      random: ports.random(),
    })
  }

  return {
    send,
    /** The slot waits no longer: if it had no answer, its time is up. A request that carries others as well goes on for them. */
    abort(slot: OperationActor): void {
      const controller = controllers.get(slot)
      controllers.delete(slot)
      if (controller === undefined || [...shared(controllers, controller)].length > 0) return
      controller.abort()
      signs.failed()
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
      const open = new Set(controllers.values())
      for (const slot of [...controllers.keys(), ...waiting.map((flight) => flight.slot)]) signs.abandoned(slot)
      waiting = []
      controllers.clear()
      for (const controller of open) controller.abort()
    },
  }
}

function* shared(
  controllers: ReadonlyMap<OperationActor, AbortController>,
  controller: AbortController,
): Generator<OperationActor> {
  for (const [slot, other] of controllers) if (other === controller) yield slot
}

/** What is in doubt goes alone: the batch itself may be what fails. */
function isFirstTry({ row }: Flight): boolean {
  return row.unknownAttempts <= 1
}

function isFailure(outcome: Outcome): boolean {
  if (outcome.type !== 'unknown' && outcome.type !== 'retry') return false
  return isServerFailure(outcome.error) || (outcome.type === 'unknown' && outcome.error instanceof RateLimitError)
}

function isBatchUnsupported(outcome: Outcome): boolean {
  return outcome.type === 'retry' && outcome.error.code === 'batch-unsupported'
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

function unprepared(row: OperationRow): Outcome {
  return {
    type: 'rejected',
    definite: false,
    error: new SyncError('unprepared', `Operation ${row.id} has no request; please report this.`),
  }
}
