import { ValidationError } from '../core/errors.ts'
import { isRecord } from '../core/schema.ts'
import type { SyncEngine } from '../engine/types.ts'

/** Fails before anything is there. @throws ValidationError for what is no engine; SyncError (`not-recording`) if it records nothing. */
export function checkRecording(engine: SyncEngine): void {
  if (!isRecord(engine) || !isRecord(engine.recorder))
    throw new ValidationError('engine', 'must be what createSyncEngine has made, with the option recorder.')
  engine.recorder.watch(() => {})()
}
