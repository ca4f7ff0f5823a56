import { ValidationError } from '../../core/errors.ts'
import { LONGEST_TIMER_MS } from '../../core/longest-timer.ts'
import { isRecord } from '../../core/schema.ts'
import type { SyncEngine } from '../../engine/types.ts'
import { systemClock } from '../system-clock.ts'
import { drain } from './drain.ts'

export interface DrainOnSyncOptions {
  /** Makes an engine like that of the pages: the same store, user, entities and transport. Called for each drain. */
  readonly createEngine: () => SyncEngine | Promise<SyncEngine>
  /** Of Background Sync, as `registerDrain` registers it. */
  readonly tag: string
  /** Of Periodic Background Sync. */
  readonly periodicTag?: string
  /** A drain takes no longer. Browsers end a worker that works for minutes. Default 60,000. */
  readonly timeoutMs?: number
}

/** `sync` and `periodicsync`, which the types of the DOM do not know. */
interface TaggedEvent extends Event {
  readonly tag: string
  waitUntil(work: Promise<unknown>): void
}

const TIMEOUT_MS = 60_000

/**
 * Drains the outbox in the application's service worker, when no page is left to do it. To be called while the worker's script is
 * first evaluated. The drain is an engine like any other: if a page owns the lease, it follows and lets the page send.
 * The event fails if something is left that would go on by itself, so that the browser fires it again later.
 */
export function drainOnSync(options: DrainOnSyncOptions): void {
  const { createEngine, tag, periodicTag, timeoutMs } = checkOptions(options)
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined

  async function drainNew(): Promise<void> {
    next = undefined
    await drain(createEngine(), timeoutMs, systemClock)
  }

  /** A drain that is under way may have looked already: all that come meanwhile share the one after it. */
  function drainOnce(): Promise<void> {
    next ??= last.then(drainNew)
    last = next.catch(() => {})
    return next
  }

  function listen(type: 'sync' | 'periodicsync', expected: string): void {
    globalThis.addEventListener(type, (event) => {
      if (!isTagged(event) || event.tag !== expected) return
      event.waitUntil(drainOnce())
    })
  }

  listen('sync', tag)
  if (periodicTag !== undefined) listen('periodicsync', periodicTag)
}

function isTagged(event: Event): event is TaggedEvent {
  return 'tag' in event && 'waitUntil' in event
}

function checkOptions(options: DrainOnSyncOptions) {
  if (!isRecord(options)) throw new ValidationError('drainOnSync', 'give an object with createEngine and tag')
  const { createEngine, tag, periodicTag, timeoutMs = TIMEOUT_MS } = options
  if (typeof createEngine !== 'function') throw new ValidationError('createEngine', 'must be a function that makes an engine')
  checkTag('tag', tag)
  if (periodicTag !== undefined) checkTag('periodicTag', periodicTag)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > LONGEST_TIMER_MS)
    throw new ValidationError('timeoutMs', `must be a whole number from 1 to ${LONGEST_TIMER_MS}`)
  return { createEngine, tag, periodicTag, timeoutMs }
}

export function checkTag(where: string, tag: unknown): void {
  if (typeof tag !== 'string' || tag === '') throw new ValidationError(where, 'must be a non-empty string')
}
