import type { OperationActor } from '../../machines/operation.ts'
import { TimeoutError } from '../core/errors.ts'
import type { OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { SystemPorts } from '../core/ports.ts'
import type { createDispatcher } from './dispatcher.ts'
import type { Events } from './events.ts'
import { errorOf, tokenOf, type createOptimistic } from './optimistic.ts'
import type { createReconciler } from './reconciler.ts'
import type { createSender } from './sender.ts'
import type { OperationEffects } from './slots.ts'

export interface EffectParts {
  readonly sender: ReturnType<typeof createSender>
  readonly reconciler: ReturnType<typeof createReconciler>
  readonly optimistic: ReturnType<typeof createOptimistic>
  readonly events: Events
  dispatcher(): ReturnType<typeof createDispatcher>
  authNeeded(): void
}

/** What the operation machine's actions do. */
export function createEffects(settings: Settings, { clock, random }: SystemPorts, parts: EffectParts): OperationEffects {
  const { sender, reconciler, optimistic, events, dispatcher } = parts

  function rolledBack(slot: OperationActor, row: OperationRow): void {
    const { id: operationId, attempts: attempt } = row
    slot.send({ type: 'ROLLED_BACK', operationId, attempt, at: clock.now(), random: random() })
  }

  /** A handler of the application that does not end holds up nobody else. */
  function abandonRollback(slot: OperationActor, row: OperationRow): void {
    const error = new TimeoutError(
      `The rollback of operation ${row.id} did not end within ${settings.sendTimeoutMs} ms (sendTimeoutMs).`,
    )
    events.emit({ type: 'engine:error', part: 'optimistic rollback', error })
    rolledBack(slot, row)
  }

  return {
    send(slot, row) {
      dispatcher().departed(slot)
      sender.send(slot, row)
    },
    reconcile(slot, row) {
      dispatcher().departed(slot)
      reconciler.reconcile(slot, row)
    },
    rollBack(slot, row) {
      dispatcher().departed(slot)
      void optimistic.rollback(tokenOf(row), errorOf(row)).then(() => rolledBack(slot, row))
    },
    abort(slot) {
      sender.abort(slot)
      reconciler.abort(slot)
    },
    expire(slot, row) {
      if (row.status === 'reconciling') reconciler.expire(slot, row)
      else if (row.status === 'rollingBack') abandonRollback(slot, row)
      else sender.expire(slot, row)
    },
    record: (slot, row, event) => dispatcher().record(slot, row, event),
    reportAuth: parts.authNeeded,
    vacate: (slot, row) => dispatcher().vacated(slot, row),
    fail(slot, error) {
      events.emit({ type: 'engine:error', part: 'operation', error })
      dispatcher().slotFailed(slot, error)
    },
  }
}
