import { StorageUnavailableError, SyncError, SyncOperationError } from '../core/errors.ts'
import { isScheduled, isTerminal, laneOf, type OperationRow, type OperationStatus } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { NEVER_DUE, OPERATIONS, readOperation, type LeaseRow } from '../core/schema.ts'
import { memberSeqs } from '../core/transaction.ts'
import { belongsIn } from './blockages.ts'
import { infoOf } from './info.ts'
import { SERVER_PAUSE } from './own-pauses.ts'
import type { Store } from './store.ts'
import type { EngineState, Explanation, Metrics } from './types.ts'

export interface ExplainSources {
  now(): number
  state(): EngineState
  statePath(): readonly string[]
  metrics(): Metrics
  nextDueAt(): number | undefined
  /** Until retries may go on. */
  retryWaitMs(): number
}

/** What is to be known besides the store, to explain one operation. */
export interface RowSources {
  now(): number
  statePath(): readonly string[]
  /** What keeps the engine itself from sending. */
  engineReasons(): readonly string[]
  /** Wall-clock time at which an open breaker lets a probe through. */
  probeAt(): number | undefined
}

/** Why is this not syncing? For one operation, or for the engine. */
export async function explain(
  settings: Settings,
  store: Store,
  sources: ExplainSources,
  id: string | undefined,
): Promise<Explanation> {
  const lease = await store.lease().catch(asSyncError)
  const reasons = (): string[] => engineReasons(sources, followed(lease, settings))
  if (id === undefined) return explainEngine(sources, reasons())
  return explainRow(settings, store, { ...sources, engineReasons: reasons, probeAt: () => probeAt(sources) }, id)
}

/** @throws SyncOperationError if there is no such operation. */
export async function explainRow(
  settings: Pick<Settings, 'user'>,
  store: Store,
  sources: RowSources,
  id: string,
): Promise<Explanation> {
  const row = await store.byId(id)
  if (row === undefined)
    throw new SyncOperationError(id, 'not-found', `There is no operation ${id}. List them with operations.list().`)
  if (row.user !== settings.user) return explainOther(row, sources)
  const waitingFor = isTerminal(row.status) ? [] : [...(await ownReasons(store, row, sources.now())), ...sources.engineReasons()]
  return {
    summary: isTerminal(row.status) ? ended(row) : pending(row, waitingFor),
    state: sources.statePath(),
    waitingFor,
    ...wake(row, sources),
    ...(row.lastError === undefined ? {} : { lastError: row.lastError }),
    operation: infoOf(row),
  }
}

/** Of what another user made nothing is shown (S25). */
function explainOther(row: OperationRow, sources: RowSources): Explanation {
  const waitingFor = isTerminal(row.status) ? [] : [`user ${row.user} to log in`]
  const summary = isTerminal(row.status)
    ? 'It was another user’s, and has ended.'
    : `It is another user’s and waits for ${waitingFor.join()}.`
  return { summary, state: sources.statePath(), waitingFor }
}

function asSyncError(cause: unknown): SyncError {
  return cause instanceof SyncError ? cause : new StorageUnavailableError('Reading it failed; it is tried again.', { cause })
}

/** What an engine that does not own the lease waits for. */
function followed(lease: LeaseRow | SyncError | undefined, { user }: Settings): string {
  if (lease instanceof SyncError) return `the lease, which can't be read: ${lease.message}`
  if (lease === undefined || lease.owner === '') return 'the lease, which nobody holds: it is being claimed'
  if (lease.user !== undefined && lease.user !== user)
    return 'the engine of another user, which holds the lease and sends only what is that user’s: stop it, or give each user a store of their own'
  return 'the owner: another tab or process holds the lease and sends for all'
}

function explainEngine(sources: ExplainSources, waitingFor: readonly string[]): Explanation {
  const { phase } = sources.state()
  const nextWakeAt = sources.nextDueAt()
  return {
    summary:
      waitingFor.length === 0
        ? `The engine is ${phase}; nothing holds it up.`
        : `The engine is ${phase} and waits for ${waitingFor.join(', and for ')}.`,
    state: sources.statePath(),
    waitingFor,
    ...(nextWakeAt === undefined || nextWakeAt <= sources.now() ? {} : { nextWakeAt }),
  }
}

function engineReasons(sources: ExplainSources, owner: string): string[] {
  const { phase, pauses } = sources.state()
  const { breaker } = sources.metrics()
  const reasons = pauses.map(
    (reason) => `${reason === SERVER_PAUSE ? 'the end of its pause' : `resume('${reason}')`}${HINTS.get(reason) ?? ''}`,
  )
  if (breaker.state === 'open') reasons.push(`the circuit breaker, which lets a probe through in ${span(breaker.remainingMs)}`)
  const waitMs = sources.retryWaitMs()
  if (waitMs > 0) reasons.push(`the retry budget, which lets retries go on in ${span(waitMs)}; first attempts go`)
  if (phase === 'following') reasons.push(owner)
  if (phase === 'stopping' || phase === 'stopped' || phase === 'failed') reasons.push('start()')
  return reasons
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ['network', ' (the network is down; it resumes by itself)'],
  ['server', ' (the server asked for a pause; it resumes by itself)'],
  ['auth', ' (the server wants credentials; log in, then resume)'],
])

/** What is waited for in it. */
const STEPS: { readonly [Status in OperationStatus]?: string } = {
  parked: 'a decision: operations.retry, edit or discard',
  sending: "the server's answer",
  reconciling: 'a look at what the server has, and its conflict strategy',
  rollingBack: 'its optimistic.rollback to end',
}

async function ownReasons(store: Store, row: OperationRow, now: number): Promise<string[]> {
  if (row.aside?.why === 'newer') return [newerBuild(row)]
  const step = STEPS[row.status]
  if (step !== undefined) return [step]
  if (isScheduled(row) && (row.dueAt ?? 0) > now) return [`its time (notBefore), ${span((row.dueAt ?? now) - now)} from now`]
  if (row.status === 'waiting' && (row.dueAt ?? 0) > now) return [`the next attempt in ${span((row.dueAt ?? now) - now)}`]
  const lane = laneOf(row.user, row.entity, row.entityId)
  const [head] = await store.lane(lane, 1)
  const first = head === undefined ? undefined : readOperation(head)
  if (head !== undefined && first === undefined)
    return [`the unreadable row #${head.key} before it in its lane: operations.discard('#${head.key}')`]
  if (first !== undefined && !belongsIn(first, lane))
    return [
      `operation ${first.id} (${first.status}), which stands in its lane and does not belong there: check({ repair: true })`,
    ]
  if (first !== undefined && first.id !== row.id)
    return [
      `operation ${first.id} (${first.status}), which is before it on ${row.entity}/${row.entityId}`,
      ...(first.aside?.why === 'newer' ? [newerBuild(first)] : []),
    ]
  const open = await openDependencies(store, row)
  return [...open, ...(await otherMembers(store, row))]
}

function dependencyReason({ id, type, entity, entityId, status, lastError }: OperationRow): string {
  const error = lastError === undefined ? '' : `, whose last error was: ${lastError.message}`
  return `operation ${id} (${status}), on which it depends, the ${type} of ${entity}/${entityId}${error}`
}

function newerBuild({ id, entity, aside }: OperationRow): string {
  return `a newer build of the application, which wrote ${id} with version ${aside?.shape ?? ''} of ${entity}: load this tab (or start this process) anew with it`
}

/** Where it is sent with others, they go when the last of them can; one by one, each after those before it. */
async function otherMembers(store: Store, row: OperationRow): Promise<string[]> {
  if (row.transaction === undefined) return []
  const entries = (await store.storage.getMany(OPERATIONS, memberSeqs(row))).flatMap((entry) => entry ?? [])
  const isOneByOne = entries.some((entry) => readOperation(entry)?.transaction?.sent === 'oneByOne')
  return entries.flatMap((entry) => {
    if (isOneByOne && Number(entry.key) > row.seq) return []
    const other = readOperation(entry)
    if (other === undefined)
      return [`the unreadable operation #${entry.key} of the same transaction: operations.discard('#${entry.key}')`]
    const isOpen = other.id !== row.id && !isTerminal(other.status)
    return isOpen ? [`operation ${other.id} (${other.status}) of the same transaction`] : []
  })
}

async function openDependencies(store: Store, row: OperationRow): Promise<string[]> {
  const others = await Promise.all((row.dependsOn ?? []).map((id) => store.successorOf(id)))
  return others.flatMap((other) => {
    if (typeof other === 'number')
      return [`the unreadable operation #${other}, on which it depends: operations.discard('#${other}')`]
    return other === undefined || isTerminal(other.status) ? [] : [dependencyReason(other)]
  })
}

/** What is parked goes on when somebody decides; what is due already, when the breaker lets it. */
function wake(row: OperationRow, sources: RowSources): { nextWakeAt?: number } {
  if (isTerminal(row.status) || row.status === 'parked') return {}
  const isDueLater = row.status === 'waiting' && row.dueAt !== NEVER_DUE && (row.dueAt ?? 0) > sources.now()
  const nextWakeAt = isDueLater ? row.dueAt : sources.probeAt()
  return nextWakeAt === undefined ? {} : { nextWakeAt }
}

function probeAt(sources: ExplainSources): number | undefined {
  const { breaker } = sources.metrics()
  return breaker.state === 'open' ? sources.now() + breaker.remainingMs : undefined
}

function ended(row: OperationRow): string {
  if (row.status === 'superseded') return `It was merged into operation ${row.supersededBy ?? '?'}.`
  if (row.status === 'rejected') return `It was rejected: ${row.lastError?.message ?? 'no reason is known'}`
  return `It is ${row.status}.`
}

function pending(row: OperationRow, waitingFor: readonly string[]): string {
  const name = `${row.type} of ${row.entity}/${row.entityId}`
  const error = row.lastError === undefined ? '' : ` Last error: ${row.lastError.message}`
  if (waitingFor.length === 0) return `${name} is ${row.status}; its turn is next.${error}`
  const waits = row.status === 'waiting' ? 'waits' : `is ${row.status} and waits`
  return `${name} ${waits} for ${waitingFor.join(', and for ')}.${error}`
}

/** For people: never less than it takes. */
function span(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${Math.ceil(ms / 1_000)} s`
}
