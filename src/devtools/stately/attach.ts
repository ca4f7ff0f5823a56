import type { InspectionEvent } from 'xstate'
import { advance, linesTo, type TracedActors, type TraceLine } from '../../core/trace.ts'
import { systemClock } from '../../adapters/system-clock.ts'
import { ValidationError } from '../../core/errors.ts'
import { text } from '../../core/option-checks.ts'
import { isRecord } from '../../core/schema.ts'
import type { SyncEngine } from '../../engine/types.ts'
import { checkRecording } from '../recording.ts'
import { createStandIns } from './stand-ins.ts'

/** What takes events of XState's inspection, as `createBrowserInspector(…)` of `@statelyai/inspect` gives it. */
export interface XStateInspector {
  readonly inspect: { readonly next?: ((event: InspectionEvent) => void) | undefined }
}

export interface AttachOptions {
  /** Goes before the ids of actors, to tell several engines at one inspector apart. Default `engine`. */
  readonly name?: string | undefined
}

/**
 * Tells an inspector made for XState of an engine, which needs the option `recorder`: its actors and their states as they are now, then every event and state.
 * It is told what a trace holds and nothing else: no payload, no token, no actor itself. Returns the function that ends it.
 * @throws ValidationError for what is no engine, inspector or name; SyncError (`not-recording`) if it records nothing.
 */
export function attachInspector(engine: SyncEngine, inspector: XStateInspector, options: AttachOptions = {}): () => void {
  checkRecording(engine)
  if (!isRecord(inspector) || !isRecord(inspector.inspect))
    throw new ValidationError('inspector', 'must have inspect, as what createBrowserInspector makes.')
  if (!isRecord(options)) throw new ValidationError('options', 'must be an object.')
  const name = text('name', options.name ?? 'engine', 'how the ids of actors begin')
  const told = createStandIns(name, (event) => inspector.inspect.next?.(event))
  // An inspector keeps little of what it was told before its viewer is there: it begins with what is there now.
  const actors: TracedActors = new Map()
  let take = (line: TraceLine): void => advance(actors, line)
  const unwatch = engine.recorder.watch((line) => take(line))
  for (const line of linesTo(actors, systemClock.now())) told(line)
  take = told
  return unwatch
}
