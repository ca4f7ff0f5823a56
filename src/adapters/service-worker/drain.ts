import { SyncError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports.ts'
import type { OperationInfo, SyncEngine } from '../../engine/types.ts'

/** Where nothing says when an operation goes on: the owner of the lease may be another tab, and what is due may be held up by the breaker. */
const LOOK_AGAIN_MS = 1_000
const LIST_LIMIT = 1_000
const IN_PLAY = ['waiting', 'sending', 'reconciling', 'rollingBack'] as const

/**
 * Runs an engine until nothing is left that goes on by itself, and stops it. What waits for a person holds nothing up.
 * @throws SyncError `drain-incomplete` if something is left after `limitMs`, or may not be sent now.
 */
export async function drain(made: SyncEngine | Promise<SyncEngine>, limitMs: number, clock: Clock): Promise<void> {
  const endsAt = clock.monotonic() + limitMs
  let cancel = (): void => {}
  const expired = new Promise<never>((_, reject) => {
    cancel = clock.schedule(() => reject(incomplete(`after ${limitMs} ms`)), limitMs)
  })
  let engine: SyncEngine | undefined
  try {
    engine = await Promise.race([made, expired])
    await Promise.race([drainAll(engine, endsAt, clock), expired])
  } finally {
    cancel()
    if (engine === undefined) stopLate(Promise.resolve(made))
    else await engine.stop()
  }
}

/** Who made it had no promise to wait for, and may have started it. */
function stopLate(made: Promise<SyncEngine>): void {
  made.then((engine) => engine.stop()).catch(() => {})
}

async function drainAll(engine: SyncEngine, endsAt: number, clock: Clock): Promise<void> {
  await engine.start()
  for (;;) {
    const { held } = await engine.flush()
    const left = await leftIn(engine)
    if (left.length === 0) return
    if (held.length > 0) throw incomplete(`because sending is paused (${held.join(', ')})`)
    const waitMs = nextWait(left, clock.now())
    if (clock.monotonic() + waitMs >= endsAt) throw incomplete(`and the next attempt is due in ${waitMs} ms`)
    await new Promise<void>((resolve) => void clock.schedule(resolve, waitMs))
  }
}

/** Where there are more than can be listed: of those in play too, wherever they stand. */
async function leftIn({ operations }: SyncEngine): Promise<readonly OperationInfo[]> {
  const first = await operations.list({ status: 'live', limit: LIST_LIMIT })
  const left = goingOn(first)
  if (left.length > 0 || first.length < LIST_LIMIT) return left
  const known = new Set(first.map(({ id }) => id))
  const inPlay = await operations.list({ status: IN_PLAY, limit: LIST_LIMIT })
  return goingOn([...first, ...inPlay.filter(({ id }) => !known.has(id))])
}

/** A parked operation waits for a decision, and so does what stands behind it, depends on it, or is to be sent with what does. */
function goingOn(live: readonly OperationInfo[]): readonly OperationInfo[] {
  const held = new Set<string>()
  let left = live
  for (let before = -1; before < held.size;) {
    before = held.size
    const lanes = new Set<string>()
    left = live.filter((one) => {
      if (one.status !== 'parked' && !lanes.has(laneOf(one)) && !tiesOf(one).some((id) => held.has(id))) return true
      lanes.add(laneOf(one))
      for (const id of [one.id, one.transaction ?? one.id]) held.add(id)
      return false
    })
  }
  return left
}

function laneOf({ entity, entityId }: OperationInfo): string {
  return JSON.stringify([entity, entityId])
}

/** The operations that must be done before it; and its transaction, which goes as one until it has been sent. */
function tiesOf({ status, dependsOn = [], transaction }: OperationInfo): readonly string[] {
  return transaction === undefined || status !== 'queued' ? dependsOn : [...dependsOn, transaction]
}

function nextWait(left: readonly OperationInfo[], now: number): number {
  const waits = left.map(({ status, nextAttemptAt = 0 }) =>
    status === 'waiting' && nextAttemptAt > now ? nextAttemptAt - now : LOOK_AGAIN_MS,
  )
  return Math.min(...waits)
}

function incomplete(why: string): SyncError {
  return new SyncError('drain-incomplete', `Not everything could be sent: something is left ${why}. The browser tries again.`, {
    retryable: true,
  })
}
