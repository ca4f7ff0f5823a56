import type { Settings } from '../core/options.ts'
import type { Clock } from '../core/ports.ts'
import type { Events } from './events.ts'
import { every } from './every.ts'
import { infoOf } from './info.ts'
import { OWN_PAUSES } from './own-pauses.ts'
import type { Store } from './store.ts'
import { hasSomethingToSend, stuckOperation } from './stuck.ts'
import type { AlertName, Metrics, OperationInfo, SyncEvent, SyncEventBody } from './types.ts'

const LOOK_EVERY_MS = 60_000
/** How full the store is, is asked more seldom: it may cost the platform a walk through its files. */
const LOOKS_A_QUOTA = 10

const OF_OWNER: readonly AlertName[] = ['breaker-open', 'dead-letter', 'stuck-operation', 'quota-near']

export interface AlertSources {
  isOwner(): boolean
  pauses(): readonly string[]
  breaker(): Metrics['breaker']
  failed(error: unknown): void
}

/**
 * Tells of what somebody should see to, and that it is over. The owner tells of the queue, the server and the disk, a follower of a queue that
 * nobody sends. A subscriber of the event bus, which also looks at the store now and then, a few rows each time.
 */
export function createAlerts(
  { user, alerts, lock }: Settings,
  clock: Clock,
  store: Store,
  events: Events,
  { isOwner, pauses, breaker, failed }: AlertSources,
) {
  /** What was told of and is not over. */
  const raised = new Set<AlertName>()
  let looks = 0
  /** Counts what events told of dead letters: a look that began before does not know of it. */
  let letters = 0
  /** The last sign of life of an owner who sends for this user, and when it was seen first. */
  let seen: { readonly life: string; readonly at: number } | undefined
  let rest = (): void => {}

  /** Afterwards: those who hear of the cause hear of that first. */
  function tell(event: SyncEventBody): void {
    queueMicrotask(() => events.emit(event))
  }

  function raise(alert: AlertName, message: string, operation?: OperationInfo): void {
    if (raised.has(alert)) return
    raised.add(alert)
    tell({ type: 'alert:raised', alert, message, ...(operation === undefined ? {} : { operation }) })
  }

  function clear(...alerts: readonly AlertName[]): void {
    for (const alert of alerts) if (raised.delete(alert)) tell({ type: 'alert:cleared', alert })
  }

  function breakerOpened(remainingMs: number): void {
    raise('breaker-open', `The server fails: nothing is sent for the next ${Math.ceil(remainingMs / 1_000)} s.`)
  }

  function rejected(operation: OperationInfo): void {
    const { id, lastError } = operation
    raise(
      'dead-letter',
      `${named(operation)} was rejected (${lastError?.code ?? 'unknown'}): see operations.get('${id}').`,
      operation,
    )
  }

  function stuck(operation: OperationInfo): void {
    const forMs = clock.now() - operation.enqueuedAt
    raise(
      'stuck-operation',
      `${named(operation)} has not ended for ${minutes(forMs)} min: ask explain('${operation.id}').`,
      operation,
    )
  }

  async function lookAsOwner(): Promise<void> {
    const before = letters
    const isByChoice = pauses().some((reason) => !OWN_PAUSES.has(reason))
    const [dead] = await store.finishedOf(user, 'rejected', 1)
    const late = isByChoice ? undefined : await stuckOperation(store, user, clock.now() - alerts.stuckMs)
    const used = looks++ % LOOKS_A_QUOTA === 0 ? await store.storage.estimate() : undefined
    if (!isOwner()) return
    const { state, remainingMs } = breaker()
    if (state === 'open') breakerOpened(remainingMs)
    else if (state === 'closed') clear('breaker-open')
    if (dead !== undefined) rejected(infoOf(dead))
    else if (letters === before) clear('dead-letter')
    if (late === undefined) clear('stuck-operation')
    else stuck(infoOf(late))
    if (used?.quotaBytes !== undefined) fullTo(used.usedBytes / used.quotaBytes)
  }

  function fullTo(share: number): void {
    if (share <= alerts.quotaShare) return clear('quota-near')
    raise(
      'quota-near',
      `${Math.round(100 * share)} % of the room for this origin is used: free some, or enqueue will be refused.`,
    )
  }

  /** An owner that sends another user's operations serves this one no more than one that shows no life. */
  async function lookAsFollower(): Promise<void> {
    const lease = await store.lease()
    const isServed = lease !== undefined && lease.owner !== '' && (lease.user ?? user) === user
    const life = isServed ? `${lease.epoch}/${lease.beat}` : ''
    if (seen?.life !== life) {
      seen = { life, at: clock.monotonic() }
      if (isServed) clear('no-owner')
    }
    const last = seen
    const forMs = clock.monotonic() - last.at
    if (forMs < lock.staleMs || !(await hasSomethingToSend(store, user)) || seen !== last) return
    raise('no-owner', `Operations wait, and nobody has sent them for ${minutes(forMs)} min: ask explain().`)
  }

  function look(): void {
    const looked = isOwner() ? lookAsOwner() : lookAsFollower()
    looked.catch(failed)
  }

  return {
    /** A subscriber of the event bus. */
    record(event: SyncEvent): void {
      switch (event.type) {
        case 'breaker:opened':
          return breakerOpened(event.remainingMs)
        case 'breaker:closed':
          return clear('breaker-open')
        case 'sync:failed':
          letters += 1
          return rejected(event.operation)
        case 'lock:acquired':
          seen = undefined
          return clear('no-owner')
        case 'lock:lost':
          return clear(...OF_OWNER)
        default:
      }
    },
    opened(): void {
      rest = every(clock, LOOK_EVERY_MS, look)
    },
    closing(): void {
      rest()
      seen = undefined
      clear(...OF_OWNER, 'no-owner')
    },
  }
}

function named({ type, entity, entityId }: OperationInfo): string {
  return `${type} of ${entity}/${entityId}`
}

function minutes(ms: number): number {
  return Math.round(ms / 60_000)
}
