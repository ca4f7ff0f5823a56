import { SyncError, ValidationError } from '../../core/errors.ts'
import type { Clock, Storage, Transport } from '../../core/ports.ts'
import { recorderBytes, type RecorderOptions } from '../../core/recorder-options.ts'
import { createTraceRing } from '../../core/trace-ring.ts'
import type { TraceLine } from '../../core/trace.ts'
import { callGuarded } from '../../core/call-guarded.ts'
import type { Inspect, ToldEvent } from '../tell-directly.ts'
import type { SyncEvent } from '../types.ts'
import { noticeFields } from './allowed.ts'
import { createInspected, isWorthALine } from './inspected.ts'
import { recordedStorage, recordedTransport, type CallEnded } from './recorded-ports.ts'

/** What happened in this engine, without payloads and secrets. Both throw `SyncError` (`not-recording`) without the option `recorder`. */
export interface Recorder {
  /** The trace as NDJSON (docs/trace-format.md): as much of the past as `recorder.maxBytes` holds. */
  export(): string
  /** Tells what leads to now, then every line as it happens. Returns the function that ends it. */
  watch(listener: (line: TraceLine) => void): () => void
}

export interface FlightRecorder extends Recorder {
  readonly inspect: Inspect
  notice(event: SyncEvent): void
  storage(storage: Storage): Storage
  transport(transport: Transport): Transport
}

interface Watcher {
  readonly listener: (line: TraceLine) => void
  /** How many lines there were before. */
  readonly since: number
}

/** What was heard, to be made a line of; a line already, where others may change or read what it tells of. */
type Heard = TraceLine | { readonly type: 'inspected'; readonly at: number; readonly event: ToldEvent }

/**
 * Where nobody watches, so much is made lines of at once: one by one, amid all that the engine does, each would find neither code nor data in the processor's
 * caches. Until then it is held as it was told.
 */
const AT_ONCE = 64

export function createRecorder(options: RecorderOptions, clock: Clock, failed: (error: unknown) => void): FlightRecorder {
  const ring = createTraceRing(recorderBytes(options))
  const watchers = new Set<Watcher>()
  const untold: TraceLine[] = []
  const inspected = createInspected(write)
  let heard: Heard[] = []
  let count = 0
  let isTelling = false

  function hear(one: Heard): void {
    heard.push(one)
    if (watchers.size > 0 || heard.length >= AT_ONCE) writeHeard()
  }

  function writeHeard(): void {
    const all = heard
    heard = []
    for (const one of all) {
      try {
        if (one.type === 'inspected') inspected(one.event, one.at)
        else write(one)
      } catch (error) {
        // Of an answer whose members can't be read no line is made.
        failed(error)
      }
    }
  }

  function write(line: TraceLine): void {
    ring.add(line)
    count += 1
    if (watchers.size === 0 && untold.length === 0) return
    untold.push(line)
    if (!isTelling) tellAll()
  }

  /** What a listener brings about itself comes after what it is being told: all hear the lines as they happened. */
  function tellAll(): void {
    isTelling = true
    let number = count - untold.length
    for (const line of untold) {
      number += 1
      for (const { listener, since } of watchers) if (since < number) callGuarded(listener, line, failed)
    }
    untold.length = 0
    isTelling = false
  }

  const ended: CallEnded = (port, call, ok, result, ms) =>
    hear({ type: 'port', at: clock.now(), port, call, ok, result, ms: Math.round(ms * 1_000) / 1_000 })

  return {
    inspect(event) {
      if (isWorthALine(event)) hear({ type: 'inspected', at: clock.now(), event })
    },
    /** The application gets the same event after this, and may do with it what it likes. */
    notice(event) {
      hear({ type: 'notice', at: event.at, event: event.type, fields: noticeFields(event) })
      // Nothing of its user is held in an engine that has stopped.
      if (event.type === 'engine:stopped') writeHeard()
    },
    storage: (storage) => recordedStorage(storage, clock.monotonic, ended),
    transport: (transport) => recordedTransport(transport, clock.monotonic, ended),
    export() {
      writeHeard()
      return ring.text()
    },
    watch(listener) {
      if (typeof listener !== 'function') throw new ValidationError('listener', 'must be a function.')
      writeHeard()
      const watcher = { listener, since: count }
      watchers.add(watcher)
      const isWithin = isTelling
      isTelling = true
      for (const line of ring.lines()) callGuarded(listener, line, failed)
      if (!isWithin) tellAll()
      return () => void watchers.delete(watcher)
    },
  }
}

/** In the place of a recorder where there is none. */
export const NO_RECORDER: Recorder = { export: notRecording, watch: notRecording }

function notRecording(): never {
  throw new SyncError('not-recording', 'This engine records nothing. Make it with the option recorder: { maxBytes }.')
}
