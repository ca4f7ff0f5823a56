import type { PageInput, PageResult } from '../../machines/pull.ts'
import { retryDelayMs } from '../core/backoff.ts'
import { StorageFencedError, type SyncError } from '../core/errors.ts'
import { didNotLeave } from '../core/held-back.ts'
import type { Settings } from '../core/options.ts'
import type { Pulled, PullRequest, SystemPorts, Transport } from '../core/ports.ts'
import { storedError } from '../core/rows.ts'
import { pullRowName, type PullRow, type Quarantined } from '../core/pull-row.ts'
import { isServerFailure, type BreakerSigns } from './breaker-signs.ts'
import { checkPulled, withoutRefused } from './check-page.ts'
import type { Events } from './events.ts'
import { inTime } from './in-time.ts'
import { afterPage, dueIn, withQuarantined } from './pull-quarantine.ts'
import { noPull, notAsked, pollTooSoon } from './pull-refusals.ts'
import { createPullRuns } from './pull-runs.ts'
import type { ServerPace } from './server-pace.ts'
import type { Replica } from './replica.ts'
import type { Writer } from './replica-writes.ts'
import { createRetaker } from './retaker.ts'
import { createValidators } from './validators.ts'

export interface PullerHooks {
  epoch(): number
  signs: BreakerSigns
  events: Events
  networkSuspected(): void
  /** The newest request for this entity that is met by what is asked for from now on, by a pull that began with that request; `answered` if none is. */
  requestOf(entity: string, answered: number, begunWith: number | undefined): number
  /** The parts of an entity that are followed; undefined if it is pulled as a whole. */
  scopesOf(entity: string): Promise<readonly string[]> | undefined
  /** Whether the server tells when something changes. */
  isTold(): boolean
  readonly pace: Pick<ServerPace, 'tooSoonMs' | 'polled' | 'minPollMs'>
}

type Page = Extract<Pulled, { type: 'page' }>
type Failed = Extract<Pulled, { type: 'failed' }>
type Step = Omit<PageResult, 'began'>

/** While the server tells of changes, pulls by themselves only make up for what it forgot: so many times more seldom. */
const RARELY = 20

/** One page: what it is about, and who stores it. */
interface Turn {
  readonly entity: string
  /** For events. */
  readonly part: { readonly entity: string; readonly scope?: string }
  readonly row: PullRow
  /** Up to which request it answers. */
  readonly request: number
  readonly failures: number
  readonly writer: Writer
}

/** Asks for one page after the other, and stores each together with how far it reaches. */
export function createPuller(
  settings: Settings,
  { clock, random }: SystemPorts,
  transport: Transport,
  replica: Replica,
  { epoch, signs, events, networkSuspected, requestOf, scopesOf, isTold, pace }: PullerHooks,
) {
  const { user } = settings
  const runs = createPullRuns()
  const validators = createValidators(settings, clock)
  const retake = createRetaker(settings, clock, transport, replica, signs, validators)
  /** By entity: what the server said when it asked for a pause, and until when that holds (S22). */
  const pauses = new Map<string, { readonly until: number; readonly error: SyncError }>()
  /** What the breaker let nobody ask for. */
  const heldBack = new Set<string>()
  /** What is being stored and told of. */
  let news: Promise<unknown> = Promise.resolve()

  function asNews<Result>(step: Promise<Result>): Promise<Result> {
    news = step.catch(() => undefined)
    return step
  }

  /** Once the signal has fired nothing is stored, nor told, any more. */
  async function page({ entity, scope, full, failures }: PageInput, signal: AbortSignal): Promise<PageResult> {
    const part = scope === undefined ? { entity } : { entity, scope }
    let began = false
    try {
      signal.throwIfAborted()
      const writer = { epoch: epoch(), signal }
      const followed = scopesOf(entity)
      const divided = followed === undefined ? undefined : await asNews(divide(part, await followed, full, writer))
      if (divided !== undefined) return { began, ...divided }
      const known = await replica.pullRow(entity, scope)
      signal.throwIfAborted()
      const isBegun = known !== undefined && known.parts === undefined
      const row = full || !isBegun ? await begin(part, known, writer) : known
      began = row !== known
      const request = requestOf(entity, row.answers ?? 0, row.isPartial ? runs.begunWith(row.name) : undefined)
      return { began, ...(await ask({ entity, part, row, request, failures, writer })) }
    } catch (error) {
      if (signal.aborted) runs.end(pullRowName(user, entity, scope))
      else if (error instanceof StorageFencedError) return { type: 'fenced', began, delayMs: Infinity }
      else events.emit({ type: 'storage:error', error })
      return { type: 'failed', began, delayMs: delayMs(failures, undefined) }
    }
  }

  /** What is to be pulled in place of the whole; nothing in place of a part that is followed no more. */
  async function divide(
    { entity, scope }: Turn['part'],
    scopes: readonly string[],
    full: boolean,
    writer: Writer,
  ): Promise<Step | undefined> {
    writer.signal.throwIfAborted()
    if (scope !== undefined) return scopes.includes(scope) ? undefined : { type: 'complete', delayMs: restMs() }
    await replica.follow(writer, entity, scopes, full)
    if (scopes.length > 0) return { type: 'parts', scopes, delayMs: Infinity }
    await answerForNone(entity, writer)
    return { type: 'parts', scopes, delayMs: restMs() }
  }

  /** Where nothing is followed there is nothing to ask the server for. */
  async function answerForNone(entity: string, writer: Writer): Promise<void> {
    const whole = await replica.pullRow(entity)
    const request = requestOf(entity, whole?.answers ?? 0, Infinity)
    if (whole !== undefined && request > (whole.answers ?? 0)) await replica.note(writer, entity, { ...whole, answers: request })
    events.emit({ type: 'pull:completed', entity, changes: 0 })
  }

  /** What an earlier pull has brought stays until the end of this one, so nothing seems to be gone meanwhile. */
  async function begin({ entity, scope }: Turn['part'], known: PullRow | undefined, writer: Writer): Promise<PullRow> {
    const row: PullRow = {
      name: pullRowName(user, entity, scope),
      ...(scope === undefined ? {} : { scope }),
      generation: (known?.generation ?? 0) + 1,
      isPartial: true,
      met: 0,
      ...(known?.answers === undefined ? {} : { answers: known.answers }),
    }
    const begun = await replica.begin(writer, entity, row)
    runs.beginAnew(row.name, requestOf(entity, 0, Infinity))
    return begun
  }

  async function ask(turn: Turn): Promise<Step> {
    const { entity, part, row, writer } = turn
    const refused = refusal(entity, row.name, writer.signal)
    const due = refused === undefined ? dueIn(row, clock.now()) : undefined
    if (due !== undefined) return askAlone(turn, due)
    const pulled = refused ?? (await answerFor(part, row, writer.signal))
    writer.signal.throwIfAborted()
    return asNews(deal(turn, pulled))
  }

  /** Whatever comes of it, the pages go on. */
  async function askAlone({ entity, row, writer }: Turn, due: Quarantined): Promise<Step> {
    const fetched = await retake(entity, row, due, writer)
    if (fetched.type === 'auth') return { type: 'auth', delayMs: Infinity }
    if (fetched.type === 'failed') heed(entity, fetched)
    return more()
  }

  async function deal(turn: Turn, pulled: Pulled): Promise<Step> {
    const { part, row, writer } = turn
    const { cursor, etag, isPartial } = row
    if (pulled.type === 'page') return take(turn, pulled)
    if (pulled.type === 'failed') return fail(turn, pulled)
    if (pulled.type === 'auth') return { type: 'auth', delayMs: Infinity }
    if (pulled.type === 'unchanged' && etag !== undefined && !isPartial) return unchanged(turn)
    if (pulled.type === 'expired' && cursor !== undefined) {
      await begin(part, row, writer)
      return more()
    }
    return fail(turn, { type: 'failed', error: pulled.type === 'expired' ? pulled.error : notAsked() })
  }

  function heed(entity: string, { error, retryAfterMs }: Failed): void {
    if (retryAfterMs !== undefined) pauses.set(entity, { until: clock.monotonic() + retryAfterMs, error })
  }

  /** Why nothing is asked of the server now. */
  function refusal(entity: string, name: string, signal: AbortSignal): Failed | undefined {
    if (transport.pull === undefined) return { type: 'failed', error: noPull() }
    const pause = pauses.get(entity)
    const leftMs = (pause?.until ?? 0) - clock.monotonic()
    if (pause !== undefined && leftMs > 0) return { type: 'failed', error: pause.error, retryAfterMs: leftMs }
    pauses.delete(entity)
    const earlyMs = runs.isUnderWay(name) ? 0 : pace.tooSoonMs(name)
    if (earlyMs > 0) return { type: 'failed', error: pollTooSoon(earlyMs), retryAfterMs: earlyMs }
    if (signs.admit(signal)) return undefined
    heldBack.add(entity)
    return { type: 'failed', error: signs.heldBack() }
  }

  /** The breaker hears of it, as of every request. */
  async function answerFor(part: Turn['part'], row: PullRow, signal: AbortSignal): Promise<Pulled> {
    const { name, cursor, etag, isPartial, met } = row
    if (runs.begin(name)) events.emit({ type: 'pull:started', ...part, full: isPartial, done: met })
    replica.asking()
    pace.polled(name)
    const pulled = await inTimeFor({ ...part, cursor, limit: settings.pull.pageSize, etag: isPartial ? undefined : etag }, signal)
    pace.polled(name)
    if (pulled.type === 'failed') heed(part.entity, pulled)
    if (signal.aborted) signs.abandoned(signal)
    else if (pulled.type === 'failed' && isServerFailure(pulled.error)) signs.failed()
    else signs.succeeded()
    return pulled.type === 'page' && validators.hasSchema(part.entity)
      ? withoutRefused(validators, part.entity, pulled, signal)
      : pulled
  }

  function inTimeFor(request: PullRequest, signal: AbortSignal): Promise<Pulled> {
    const failed = (error: SyncError): Pulled => ({ type: 'failed', error })
    const ask = async (called: AbortSignal): Promise<Pulled> =>
      checkPulled(await (transport.pull?.(request, { signal: called }) ?? failed(noPull())))
    return inTime(clock, settings.sendTimeoutMs, signal, { what: 'page', ask, failed })
  }

  async function take(turn: Turn, pulled: Page): Promise<Step> {
    const { entity, part, row, request, writer } = turn
    const loop = runs.loopIn(row.name, entity, row.cursor, pulled)
    if (loop !== undefined) return fail(turn, { type: 'failed', error: loop })
    const { changes, unusable, cursor, hasMore, etag, total = row.total } = pulled
    const { etag: _etag, ...kept } = row
    const met = row.met + changes.length
    const told = total === undefined ? {} : { total }
    const reached = { ...kept, ...told, cursor, met, ...(hasMore || etag === undefined ? {} : { etag }) }
    const next = withQuarantined(reached, afterPage(row, pulled, clock.now()))
    const alsoMet = unusable.flatMap(({ id }) => id ?? [])
    const isSwept = !row.isPartial || row.wasEmpty === true
    const held = !hasMore && isSwept ? ended(request, next) : next
    const stored = await replica.applyPage(writer, { entity, changes, alsoMet, isFirst: row.isPartial, row: held })
    if (stored === 'outdated') return more()
    for (const { id, error } of unusable)
      events.emit({ type: 'pull:quarantined', ...part, error, ...(id === undefined ? {} : { id }) })
    events.emit({ type: 'pull:progress', ...part, done: met, ...told })
    if (hasMore) return more()
    // What the page has and nobody can read may be any entity: then none counts as gone.
    const mayBeAny = unusable.some(({ id }) => id === undefined)
    if (isSwept) return completed(turn, met)
    if (mayBeAny) await replica.note(writer, entity, ended(request, next))
    else if ((await replica.sweep(writer, entity, ended(request, next))) === 'outdated') return more()
    return completed(turn, met)
  }

  /** Nothing is new: then nothing is written either, unless somebody waits for it. */
  async function unchanged(turn: Turn): Promise<Step> {
    const { entity, row, request, writer } = turn
    if (row.lastError !== undefined || request > (row.answers ?? 0)) await replica.note(writer, entity, ended(request, row))
    return completed(turn, row.met)
  }

  /** Each run counts anew. */
  function ended(request: number, { lastError: _lastError, wasEmpty: _wasEmpty, total: _total, ...row }: PullRow): PullRow {
    return { ...row, isPartial: false, met: 0, completeAt: clock.now(), answers: request }
  }

  function completed({ part, row }: Turn, changes: number): Step {
    runs.end(row.name)
    events.emit({ type: 'pull:completed', ...part, changes })
    return { type: 'complete', delayMs: restMs() }
  }

  /** Until everything is pulled by itself again. */
  function restMs(): number {
    const { everyMs } = settings.pull
    const ms = everyMs * (isTold() ? RARELY : 1) * (0.75 + random() / 2)
    return everyMs === 0 ? Infinity : Math.max(ms, pace.minPollMs())
  }

  /** Who asked for it hears of it; it is tried again all the same. */
  async function fail({ entity, part, row, request, failures, writer }: Turn, { error, retryAfterMs }: Failed): Promise<Step> {
    if (error.code === 'offline') networkSuspected()
    const isAwaited = request > (row.answers ?? 0)
    if (isAwaited) await replica.note(writer, entity, { ...row, answers: request, lastError: storedError(error) })
    const isHeldBack = didNotLeave(error) // Of its opening the breaker itself has told.
    if (isAwaited || !isHeldBack) events.emit({ type: 'pull:failed', ...part, error })
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

  return {
    page,
    takeHeldBack,
    /** Resolves when of everything that is stored by now has been told too. */
    allTold: (): Promise<unknown> => news,
  }
}

function more(): Step {
  return { type: 'more', delayMs: Infinity }
}
