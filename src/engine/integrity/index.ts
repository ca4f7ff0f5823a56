import type { EngineActor } from '../../../machines/engine.ts'
import type { SyncError } from '../../core/errors.ts'
import type { Settings } from '../../core/options.ts'
import type { Clock } from '../../core/ports.ts'
import { LEASE, META } from '../../core/schema.ts'
import type { createDispatcher } from '../dispatcher.ts'
import type { Events } from '../events.ts'
import type { Replica } from '../replica.ts'
import type { Store } from '../store.ts'
import { checkCheckOptions, checkStore } from './check.ts'
import type { Site } from './site.ts'
import type { CheckOptions, CheckResult } from './types.ts'

export interface IntegrityParts {
  readonly store: Store
  readonly replica: Replica
  readonly events: Events
  readonly clock: Clock
  readonly dispatcher: Pick<ReturnType<typeof createDispatcher>, 'isOwner' | 'changed'>
  epoch(): number
  clientId(): string
  quarantined(sequence: number, error: SyncError): void
  /** Who waits for changes of operations looks again. */
  tell(): void
  machine(): EngineActor | undefined
}

/** The consistency checker of an engine. */
export function createIntegrity({ user, ageingMs, entities }: Settings, parts: IntegrityParts) {
  const { store, replica, events, clock, dispatcher } = parts
  const site: Site = {
    store,
    user,
    ageingMs,
    now: clock.now,
    asOwner: (repair) =>
      dispatcher.isOwner() ? replica.repaired(() => repair({ collection: META, key: LEASE, epoch: parts.epoch() })) : undefined,
    installId: parts.clientId,
    quarantined: parts.quarantined,
    mended() {
      dispatcher.changed()
      parts.tell()
    },
    pullAnew: async (_, entity) => parts.machine()?.send({ type: 'PULL.WANTED', targets: [{ entity, full: true }] }),
  }

  return async (given: CheckOptions = {}): Promise<CheckResult> => {
    const options = checkCheckOptions(given, Object.keys(entities))
    const result = await checkStore(site, options, clock.monotonic)
    const { checked, total, mended, quarantined, durationMs, isSound } = result
    events.emit({ type: 'integrity:checked', checked, total, mended, quarantined, durationMs, isSound })
    return result
  }
}
