import type { InspectionEvent } from 'xstate'
import type { SyncEngineOptions } from '../../core/options.ts'
import type { Clock, Transport } from '../../core/ports.ts'
import type { Events } from '../events.ts'
import { inspectedBy } from './inspected-by.ts'
import { createRecorder } from './recorder.ts'

type Inspect = ((event: InspectionEvent) => void) | undefined

/** The recorder, if there is one, and store, transport and inspection as it listens to them. */
export function recordedParts(plain: SyncEngineOptions, transport: Transport, inspectToo: Inspect, clock: Clock, events: Events) {
  const recorder = plain.recorder === undefined ? undefined : createRecorder(plain.recorder, clock, events.subscriberFailed)
  return {
    recorder,
    inspect: inspectedBy(recorder, inspectToo),
    storage: recorder?.storage(plain.storage) ?? plain.storage,
    transport: recorder?.transport(transport) ?? transport,
  }
}
