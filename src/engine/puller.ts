import type { PageInput, PageResult } from '../../machines/pull.ts'
import { retryDelayMs } from '../core/backoff.ts'
import { CircuitBreakerOpenError, StorageFencedError, SyncError } from '../core/errors.ts'
import type { Settings } from '../core/options.ts'
import type { Pulled, SystemPorts, Transport } from '../core/ports.ts'
import { storedError } from '../core/rows.ts'
import { pullRowName, type PullRow } from '../core/schema.ts'
import { isServerFailure, type BreakerSigns } from './breaker-signs.ts'
import type { Events } from './events.ts'
import type { Replica } from './replica.ts'

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

/** One page that is asked for. */
interface Turn {
  readonly entity: string
  readonly row: PullRow
  readonly failures: number
  readonly signal: AbortSignal
}

type Page = Extract<Pulled, { type: 'page' }>

/** While the server tells of changes, pulls by themselves only make up for what it forgot: so many times more seldom. */
const RARELY = 20
/** Pages in one run: more than any server has. */
const LONGEST_RUN = 100_000

/** Asks for one page after the other, and stores each together with how far it reaches. */
export function createPuller(
  settings: Settings,
  { clock, random }: SystemPorts,
  transport: Transport,
  replica: Replica,
  { epoch, signs, events, networkSuspected, requestOf, isTold }: PullerHooks,
) {
  const { user } = settings
  /** Cursors that the present run has had: a server that gives one again would be asked for ever (L8). */
  const runs = new Map<string, Set<string>>()

  async function page({ target: { entity, full }, failures }: PageInput, signal: AbortSignal): Promise<PageResult> {
    let began = false
    try {
      const known = await replica.pullRow(entity)
      const row = full || known === undefined ? await begin(entity, known, signal) : known
      began = row !== known
      return { began, ...(await ask({ entity, row, failures, signal })) }
    } catch (error) {
      if (!signal.aborted && !(error instanceof StorageFencedError)) events.emit({ type: 'storage:error', error })
      return { type: 'failed', began, delayMs: delayMs(failures, undefined) }
    }
  }

  /** What an earlier pull has brought stays until the end of this one, so nothing seems to be gone meanwhile. */
  async function begin(entity: string, known: PullRow | undefined, signal: AbortSignal): Promise<PullRow> {
    const row: PullRow = {
      name: pullRowName(user, entity),
      generation: (known?.generation ?? 0) + 1,
      isPartial: true,
      met: 0,
      ...(known?.answers === undefined ? {} : { answers: known.answers }),
    }
    await replica.note(epoch(), entity, row, signal)
    runs.delete(entity)
    return row
  }

  async function ask(turn: Turn): Promise<Unmarked> {
    const { entity, row, signal } = turn
    if (transport.pull === undefined) return fail(turn, noPull())
    if (!signs.admit()) return heldBack(turn)
    if (row.met === 0 && row.cursor === undefined) events.emit({ type: 'pull:started', entity, full: row.isPartial })
    replica.asking()
    const { cursor, etag, isPartial } = row
    const pulled = await answered(
      transport.pull({ entity, cursor, limit: settings.pull.pageSize, etag: isPartial ? undefined : etag }, { signal }),
      signal,
    )
    if (pulled.type === 'unchanged') return unchanged(turn)
    if (pulled.type === 'expired' && cursor !== undefined) {
      await begin(entity, row, signal)
      return { type: 'more' }
    }
    if (pulled.type === 'auth') return { type: 'auth' }
    if (pulled.type !== 'page') return fail(turn, pulled.error, 'retryAfterMs' in pulled ? pulled.retryAfterMs : undefined)
    return take(turn, pulled)
  }

  /** Who asked for it hears of it; nobody else, for the breaker has told already. */
  async function heldBack(turn: Turn): Promise<Unmarked> {
    const { cooldownMs } = settings.breaker
    if (isAwaited(turn)) return fail(turn, new CircuitBreakerOpenError(cooldownMs))
    return { type: 'failed', delayMs: Math.max(1, cooldownMs * random()) }
  }

  function isAwaited({ entity, row }: Turn): boolean {
    return requestOf(entity) > (row.answers ?? 0)
  }

  /** The breaker hears of it, as of every request. */
  async function answered(asked: Promise<Pulled>, signal: AbortSignal): Promise<Pulled> {
    const pulled = await asked
    if (signal.aborted) signs.abandoned(1)
    else if (pulled.type === 'failed' && isServerFailure(pulled.error)) signs.failed()
    else signs.succeeded()
    return pulled
  }

  async function take(turn: Turn, pulled: Page): Promise<Unmarked> {
    const { entity, row, signal } = turn
    const loop = loopIn(turn, pulled)
    if (loop !== undefined) return fail(turn, loop)
    const { changes, unusable, cursor, hasMore, etag } = pulled
    for (const { id, error } of unusable)
      events.emit({ type: 'pull:quarantined', entity, error, ...(id === undefined ? {} : { id }) })
    const { etag: _etag, ...kept } = row
    const met = row.met + changes.length
    const next: PullRow = { ...kept, cursor, met, ...(hasMore || etag === undefined ? {} : { etag }) }
    const alsoMet = unusable.flatMap(({ id }) => id ?? [])
    const isLast = !hasMore && !row.isPartial
    const page = { entity, changes, alsoMet, row: isLast ? ended(entity, next) : next }
    if ((await replica.applyPage(epoch(), page, signal)) === 'outdated') return { type: 'more' }
    const total = pulled.total
    events.emit({ type: 'pull:progress', entity, done: met, ...(total === undefined ? {} : { total }) })
    if (hasMore) return { type: 'more' }
    // What the page has and nobody can read may be any entity: then none counts as gone.
    const mayBeAny = unusable.some(({ id }) => id === undefined)
    if (row.isPartial && mayBeAny) await replica.note(epoch(), entity, ended(entity, next), signal)
    else if (row.isPartial) await replica.sweep(epoch(), entity, ended(entity, next), signal)
    return completed(entity, met)
  }

  /** Nothing is new: then nothing is written either, unless somebody waits for it. */
  async function unchanged(turn: Turn): Promise<Unmarked> {
    const { entity, row, signal } = turn
    if (row.isPartial || row.lastError !== undefined || isAwaited(turn))
      await replica.note(epoch(), entity, ended(entity, row), signal)
    return completed(entity, row.met)
  }

  /** Each run counts anew. */
  function ended(entity: string, { lastError: _lastError, ...row }: PullRow): PullRow {
    return { ...row, isPartial: false, met: 0, completeAt: clock.now(), answers: Math.max(requestOf(entity), row.answers ?? 0) }
  }

  function completed(entity: string, changes: number): Unmarked {
    runs.delete(entity)
    events.emit({ type: 'pull:completed', entity, changes })
    const everyMs = settings.pull.everyMs * (isTold() ? RARELY : 1)
    return { type: 'complete', restMs: everyMs * (0.75 + random() / 2) }
  }

  function loopIn({ entity, row: { cursor: before } }: Turn, { cursor, hasMore, changes }: Page): SyncError | undefined {
    const had = runs.get(entity) ?? new Set()
    if (before !== undefined) had.add(before)
    runs.set(entity, had)
    if (!hasMore || (changes.length > 0 && !had.has(cursor) && had.size < LONGEST_RUN)) return undefined
    runs.delete(entity)
    const what =
      changes.length === 0
        ? 'an empty page and says that there is more'
        : 'a cursor that it gave before, and says that there is more'
    return new SyncError(
      'pull-loop',
      `The server sends ${what}. Mend its list of changes of ${entity}; it is asked again later.`,
      {
        retryable: true,
      },
    )
  }

  /** Who asked for it hears of it; it is tried again all the same. */
  async function fail(turn: Turn, error: SyncError, retryAfterMs?: number): Promise<Unmarked> {
    const { entity, row, failures, signal } = turn
    if (error.code === 'offline') networkSuspected()
    const answers = requestOf(entity)
    if (isAwaited(turn)) await replica.note(epoch(), entity, { ...row, answers, lastError: storedError(error) }, signal)
    events.emit({ type: 'pull:failed', entity, error })
    return { type: 'failed', delayMs: delayMs(failures, retryAfterMs) }
  }

  function delayMs(failures: number, retryAfterMs: number | undefined): number {
    return Math.max(1, retryDelayMs(settings.retry, { attempt: failures + 1, random: random(), retryAfterMs }))
  }

  return { page }
}

type Unmarked = Omitted<PageResult>
type Omitted<Result> = Result extends PageResult ? Omit<Result, 'began'> : never

function noPull(): SyncError {
  return new SyncError('no-pull', 'The transport can not pull: it has no pull(). Use one that has, or ask for no pull.')
}
