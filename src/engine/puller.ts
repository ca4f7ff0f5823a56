import type { PageInput, PageResult } from '../../machines/pull.ts'
import { retryDelayMs } from '../core/backoff.ts'
import { CircuitBreakerOpenError, NetworkError, StorageFencedError, SyncError, TimeoutError } from '../core/errors.ts'
import type { Settings } from '../core/options.ts'
import type { Pulled, PullRequest, SystemPorts, Transport } from '../core/ports.ts'
import { storedError } from '../core/rows.ts'
import { pullRowName, type PullRow } from '../core/schema.ts'
import { isServerFailure, type BreakerSigns } from './breaker-signs.ts'
import { checkPulled } from './check-page.ts'
import type { Events } from './events.ts'
import { createPullRuns } from './pull-runs.ts'
import type { Replica, Writer } from './replica.ts'

export interface PullerHooks {
  epoch(): number
  signs: BreakerSigns
  events: Events
  networkSuspected(): void
  /** The newest request for this entity; 0 if nobody asked. */
  requestOf(entity: string): number
  /** Whether the server tells when something changes. */
  isTold(): boolean
}

type Page = Extract<Pulled, { type: 'page' }>
type Failed = Extract<Pulled, { type: 'failed' }>
type Step = Pick<PageResult, 'type' | 'delayMs'>

/** While the server tells of changes, pulls by themselves only make up for what it forgot: so many times more seldom. */
const RARELY = 20

/** One page: what it is about, and who stores it. */
interface Turn {
  readonly entity: string
  readonly row: PullRow
  readonly failures: number
  readonly writer: Writer
}

/** Asks for one page after the other, and stores each together with how far it reaches. */
export function createPuller(
  settings: Settings,
  { clock, random }: SystemPorts,
  transport: Transport,
  replica: Replica,
  { epoch, signs, events, networkSuspected, requestOf, isTold }: PullerHooks,
) {
  const { user } = settings
  const runs = createPullRuns()
  /** By entity: what the server said when it asked for a pause, and until when that holds (S22). */
  const pauses = new Map<string, { readonly until: number; readonly error: SyncError }>()
  /** What the breaker let nobody ask for. */
  const heldBack = new Set<string>()

  /** Once the signal has fired nothing is stored, nor told, any more. */
  async function page({ entity, full, failures }: PageInput, signal: AbortSignal): Promise<PageResult> {
    let began = false
    try {
      signal.throwIfAborted()
      const writer = { epoch: epoch(), signal }
      const known = await replica.pullRow(entity)
      signal.throwIfAborted()
      const row = full || known === undefined ? await begin(entity, known, writer) : known
      began = row !== known
      return { began, ...(await ask({ entity, row, failures, writer })) }
    } catch (error) {
      if (signal.aborted) runs.end(entity)
      else if (!(error instanceof StorageFencedError)) events.emit({ type: 'storage:error', error })
      return { type: 'failed', began, delayMs: delayMs(failures, undefined) }
    }
  }

  /** What an earlier pull has brought stays until the end of this one, so nothing seems to be gone meanwhile. */
  async function begin(entity: string, known: PullRow | undefined, writer: Writer): Promise<PullRow> {
    const row: PullRow = {
      name: pullRowName(user, entity),
      generation: (known?.generation ?? 0) + 1,
      isPartial: true,
      met: 0,
      ...(known?.answers === undefined ? {} : { answers: known.answers }),
    }
    const begun = await replica.begin(writer, entity, row)
    runs.end(entity)
    return begun
  }

  async function ask(turn: Turn): Promise<Step> {
    const { entity, row, writer } = turn
    const { cursor, etag, isPartial } = row
    const pulled = refusal(entity) ?? (await answerFor(entity, row, writer.signal))
    writer.signal.throwIfAborted()
    if (pulled.type === 'page') return take(turn, pulled)
    if (pulled.type === 'failed') return fail(turn, pulled)
    if (pulled.type === 'auth') return { type: 'auth', delayMs: Infinity }
    if (pulled.type === 'unchanged' && etag !== undefined && !isPartial) return unchanged(turn)
    if (pulled.type === 'expired' && cursor !== undefined) {
      await begin(entity, row, writer)
      return more()
    }
    return fail(turn, { type: 'failed', error: pulled.type === 'expired' ? pulled.error : notAsked() })
  }

  /** Why nothing is asked of the server now. */
  function refusal(entity: string): Failed | undefined {
    if (transport.pull === undefined) return { type: 'failed', error: noPull() }
    const pause = pauses.get(entity)
    const leftMs = (pause?.until ?? 0) - clock.monotonic()
    if (pause !== undefined && leftMs > 0) return { type: 'failed', error: pause.error, retryAfterMs: leftMs }
    pauses.delete(entity)
    if (signs.admit()) return undefined
    heldBack.add(entity)
    return { type: 'failed', error: new CircuitBreakerOpenError(settings.breaker.cooldownMs) }
  }

  /** The breaker hears of it, as of every request. */
  async function answerFor(entity: string, { cursor, etag, isPartial, met }: PullRow, signal: AbortSignal): Promise<Pulled> {
    if (runs.begin(entity)) events.emit({ type: 'pull:started', entity, full: isPartial, done: met })
    replica.asking()
    const pulled = await inTime({ entity, cursor, limit: settings.pull.pageSize, etag: isPartial ? undefined : etag }, signal)
    if (signal.aborted) signs.abandoned(1)
    else if (pulled.type === 'failed' && isServerFailure(pulled.error)) signs.failed()
    else signs.succeeded()
    return pulled
  }

  /** Whatever the transport does: it may throw, and it may never answer. */
  function inTime(request: PullRequest, signal: AbortSignal): Promise<Pulled> {
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    signal.addEventListener('abort', abort)
    return new Promise<Pulled>((resolve) => {
      const cancel = clock.schedule(() => {
        resolve({ type: 'failed', error: tooLate(settings.sendTimeoutMs) })
        abort()
      }, settings.sendTimeoutMs)
      const answered = (pulled: Pulled): void => {
        cancel()
        resolve(checkPulled(pulled))
      }
      const answer = async (): Promise<Pulled> =>
        transport.pull?.(request, { signal: controller.signal }) ?? { type: 'failed', error: noPull() }
      answer().then(answered, (cause: unknown) => answered({ type: 'failed', error: transportFailed(cause) }))
    }).finally(() => signal.removeEventListener('abort', abort))
  }

  async function take(turn: Turn, pulled: Page): Promise<Step> {
    const { entity, row, writer } = turn
    const loop = runs.loopIn(entity, row.cursor, pulled)
    if (loop !== undefined) return fail(turn, { type: 'failed', error: loop })
    const { changes, unusable, cursor, hasMore, etag, total = row.total } = pulled
    const { etag: _etag, ...kept } = row
    const met = row.met + changes.length
    const told = total === undefined ? {} : { total }
    const next: PullRow = { ...kept, ...told, cursor, met, ...(hasMore || etag === undefined ? {} : { etag }) }
    const alsoMet = unusable.flatMap(({ id }) => id ?? [])
    const isSwept = !row.isPartial || row.wasEmpty === true
    const isLast = !hasMore && isSwept
    const stored = await replica.applyPage(writer, { entity, changes, alsoMet, row: isLast ? ended(entity, next) : next })
    if (stored === 'outdated') return more()
    for (const { id, error } of unusable)
      events.emit({ type: 'pull:quarantined', entity, error, ...(id === undefined ? {} : { id }) })
    events.emit({ type: 'pull:progress', entity, done: met, ...told })
    if (hasMore) return more()
    // What the page has and nobody can read may be any entity: then none counts as gone.
    const mayBeAny = unusable.some(({ id }) => id === undefined)
    if (isSwept) return completed(entity, met)
    if (mayBeAny) await replica.note(writer, entity, ended(entity, next))
    else if ((await replica.sweep(writer, entity, ended(entity, next))) === 'outdated') return more()
    return completed(entity, met)
  }

  /** Nothing is new: then nothing is written either, unless somebody waits for it. */
  async function unchanged({ entity, row, writer }: Turn): Promise<Step> {
    if (row.lastError !== undefined || requestOf(entity) > (row.answers ?? 0))
      await replica.note(writer, entity, ended(entity, row))
    return completed(entity, row.met)
  }

  /** Each run counts anew. */
  function ended(entity: string, { lastError: _lastError, wasEmpty: _wasEmpty, total: _total, ...row }: PullRow): PullRow {
    return { ...row, isPartial: false, met: 0, completeAt: clock.now(), answers: Math.max(requestOf(entity), row.answers ?? 0) }
  }

  function completed(entity: string, changes: number): Step {
    runs.end(entity)
    events.emit({ type: 'pull:completed', entity, changes })
    const { everyMs } = settings.pull
    const restMs = everyMs * (isTold() ? RARELY : 1) * (0.75 + random() / 2)
    return { type: 'complete', delayMs: everyMs === 0 ? Infinity : restMs }
  }

  /** Who asked for it hears of it; it is tried again all the same. */
  async function fail({ entity, row, failures, writer }: Turn, { error, retryAfterMs }: Failed): Promise<Step> {
    if (error.code === 'offline') networkSuspected()
    if (retryAfterMs !== undefined) pauses.set(entity, { until: clock.monotonic() + retryAfterMs, error })
    const request = requestOf(entity)
    const isAwaited = request > (row.answers ?? 0)
    if (isAwaited) await replica.note(writer, entity, { ...row, answers: request, lastError: storedError(error) })
    const isHeldBack = error instanceof CircuitBreakerOpenError
    // Of its opening the breaker itself has told.
    if (isAwaited || !isHeldBack) events.emit({ type: 'pull:failed', entity, error })
    return { type: 'failed', delayMs: delayMs(failures, isHeldBack ? settings.breaker.cooldownMs : retryAfterMs) }
  }

  /** The breaker lets something through again: what it held back, if anything, may be asked for. */
  function takeHeldBack(): readonly string[] {
    const entities = [...heldBack]
    heldBack.clear()
    return entities
  }

  function delayMs(failures: number, retryAfterMs: number | undefined): number {
    return Math.max(1, retryDelayMs(settings.retry, { attempt: failures + 1, random: random(), retryAfterMs }))
  }

  return { page, takeHeldBack }
}

function more(): Step {
  return { type: 'more', delayMs: Infinity }
}

function noPull(): SyncError {
  return new SyncError('no-pull', 'The transport can not pull: it has no pull(). Use one that has, or ask for no pull.')
}

function notAsked(): SyncError {
  return new SyncError(
    'unreadable',
    'The server says that nothing has changed, but was not asked that. Check what stands before the API.',
  )
}

function tooLate(limitMs: number): SyncError {
  return new TimeoutError(`No page within ${limitMs} ms (sendTimeoutMs); it is asked for again.`)
}

function transportFailed(cause: unknown): SyncError {
  return new NetworkError('The transport failed; the page is asked for again.', { cause, code: 'transport' })
}
