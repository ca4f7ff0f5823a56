import type { EngineActor } from '../../../machines/engine.ts'
import { isKeptId } from '../../core/entity-id.ts'
import type { SyncError } from '../../core/errors.ts'
import type { Settings } from '../../core/options.ts'
import type { Clock, Transport } from '../../core/ports.ts'
import type { createDispatcher } from '../dispatcher.ts'
import type { BreakerSigns } from '../breaker-signs.ts'
import { verdictOn } from '../check-page.ts'
import type { Events } from '../events.ts'
import type { createReadPath } from '../read-path.ts'
import { createValidators } from '../validators.ts'
import type { Replica } from '../replica.ts'
import { fenceOf } from '../fence.ts'
import type { Store } from '../store.ts'
import { checkCheckOptions, checkStore } from './check.ts'
import { createAsking, type ServerSide } from './server-side.ts'
import type { Site } from './site.ts'
import type { CheckOptions, CheckResult } from './types.ts'

export interface IntegrityParts {
  readonly store: Store
  readonly replica: Replica
  readonly events: Events
  readonly clock: Clock
  readonly transport: Transport
  readonly signs: BreakerSigns
  readonly readPath: Pick<ReturnType<typeof createReadPath>, 'request' | 'scopes'>
  readonly dispatcher: Pick<ReturnType<typeof createDispatcher>, 'isOwner' | 'changed'>
  epoch(): number
  clientId(): string
  quarantined(sequence: number, error: SyncError): void
  /** Who waits for changes of operations looks again. */
  tell(): void
  machine(): EngineActor | undefined
}

/** The consistency checker of an engine. */
export function createIntegrity(settings: Settings, parts: IntegrityParts) {
  const { user, ageingMs, entities } = settings
  const { store, replica, events, clock, dispatcher, readPath, signs, transport, epoch } = parts
  const validators = createValidators(settings, clock)
  let life = new AbortController()

  function serverSide(signal: AbortSignal): ServerSide {
    return {
      ...createAsking({ transport, clock, signs, limitMs: settings.sendTimeoutMs, signal }),
      pull: async (entity) => (await readPath.request({ entities: [entity], full: false })).every(({ isComplete }) => isComplete),
      scopesOf: (entity) => (entities[entity]?.scopes === undefined ? undefined : readPath.scopes.list(entity)),
      putRight: (...row) => (dispatcher.isOwner() ? replica.putRight(epoch(), ...row) : undefined),
      async takes(entity, id, told) {
        if (told.type === 'absent') return true
        if (!isKeptId(id)) return false
        const { version, value } = told
        const refusal = await validators.alone(signal, (deadline) =>
          verdictOn(validators, entity, { id, version, value }, deadline),
        )
        return refusal === undefined
      },
    }
  }

  function siteAs(signal: AbortSignal): Site {
    return {
      store,
      user,
      ageingMs,
      now: clock.now,
      server: serverSide(signal),
      declared: settings,
      asOwner: async (repair) =>
        dispatcher.isOwner() ? replica.repaired(epoch(), (next) => repair(fenceOf(epoch()), next)) : false,
      installId: parts.clientId,
      quarantined: parts.quarantined,
      mended() {
        dispatcher.changed()
        parts.tell()
      },
      pullsForgotten: (entity) => parts.machine()?.send({ type: 'PULL.WANTED', targets: [{ entity, full: false }] }),
    }
  }

  return {
    async check(given: CheckOptions = {}): Promise<CheckResult> {
      const options = checkCheckOptions(given, Object.keys(entities))
      const result = await checkStore(siteAs(life.signal), options, clock.monotonic)
      const { checked, total, mended, quarantined, durationMs, isSound } = result
      events.emit({ type: 'integrity:checked', checked, total, mended, quarantined, durationMs, isSound })
      return result
    },
    /** The store is about to be closed: nothing is waited for any more. */
    closing(): void {
      life.abort()
      life = new AbortController()
    },
  }
}
