import type { InspectionEvent } from 'xstate'
import type { SyncEngineOptions } from '../../core/options.ts'
import type { Clock, Transport } from '../../core/ports.ts'
import type { Events } from '../events.ts'
import { inspectedBy } from './inspected-by.ts'
import type { createRecorder } from './recorder.ts'

export interface RecordedBy {
  readonly inspectToo: ((event: InspectionEvent) => void) | undefined
  readonly clock: Clock
  readonly events: Events
  readonly create: typeof createRecorder | undefined
}

/** The recorder, if there is one, and store, transport and inspection as it listens to them. */
export function recordedParts(plain: SyncEngineOptions, transport: Transport, by: RecordedBy) {
  const recorder = plain.recorder === undefined ? undefined : by.create?.(plain.recorder, by.clock, by.events.subscriberFailed)
  return {
    recorder,
    inspect: inspectedBy(recorder, by.inspectToo, by.events.subscriberFailed),
    storage: recorder?.storage(plain.storage) ?? plain.storage,
    transport: recorder?.transport(transport) ?? transport,
  }
}
