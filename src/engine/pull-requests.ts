import type { PullTarget } from '../../machines/pull.ts'
import { ValidationError } from '../core/errors.ts'
import type { Settings } from '../core/options.ts'
import type { Entry } from '../core/ports.ts'
import { pullRequestsName, readPullRequests, type PullRequestRow } from '../core/pull-request-row.ts'
import type { PullRow } from '../core/pull-row.ts'
import { isRecord } from '../core/schema.ts'
import { answersIn } from './pull-rows.ts'
import { isSame } from './scopes.ts'
import { changeShared } from './shared-row.ts'
import type { Store } from './store.ts'
import type { PullSummary, SyncQuery } from './read-types.ts'

export interface PullRequestHooks {
  /** A row of `meta`. */
  read(key: string): Promise<Entry | undefined>
  isOwner(): boolean
  /** Whether pulls can go on at all: not while anything pauses the engine, nor once it is stopped. */
  isHeld(): boolean
  want(targets: readonly PullTarget[]): void
  /** Resolves when this engine has told of everything that it has stored. */
  allTold(): Promise<unknown>
  /** The parts of an entity that are followed; undefined if it is pulled as a whole. */
  scopesOf(entity: string): Promise<readonly string[]> | undefined
  failed(error: unknown): void
}

export interface Wish {
  readonly entities: readonly string[]
  /** From the beginning. */
  readonly full: boolean
}

/** So many that ask for one kind of entity. */
const KEPT = 20

/** Pulls that somebody asks for, in whichever tab: the request lies in the store, the owner meets it, and its answer lies there too. */
export function createPullRequests(settings: Settings, store: Store, hooks: PullRequestHooks) {
  const { user } = settings
  const name = pullRequestsName(user)
  const listeners = new Set<() => void>()
  /** As they were when this engine last took what is new of them. */
  let known: PullRequestRow['requests'] = []
  let taken = 0
  /** How often the store was emptied: what was asked for before, nobody knows of any more, and answers are counted anew. */
  let emptyings = 0

  function write(entities: readonly string[], full: boolean): Promise<number> {
    return changeShared(store, name, readPullRequests, (known, rev) => ({
      name,
      rev,
      requests: newestOf([...(known?.requests ?? []), { rev, entities, full }]),
    }))
  }

  /** What others asked for since the last look. */
  async function take(): Promise<void> {
    const row = readPullRequests(await hooks.read(name))
    if (row === undefined || row.rev <= taken || !hooks.isOwner()) return
    const answered = answersIn(await store.pullRows(user))
    const open = row.requests.filter(({ rev }) => rev > taken)
    taken = row.rev
    known = row.requests
    const targets = open.flatMap(({ rev, entities, full }) =>
      entities.filter((entity) => rev > (answered.get(entity) ?? 0)).map((entity) => ({ rev, entity, full })),
    )
    if (targets.length > 0) hooks.want(targets.map(({ entity, full }) => ({ entity, full })))
  }

  function takeSoon(): void {
    if (hooks.isOwner()) take().catch(hooks.failed)
  }

  /** Resolves when each was pulled, or could not be, or is held. */
  async function request({ entities, full }: Wish): Promise<readonly PullSummary[]> {
    if (hooks.isHeld()) return entities.map((entity) => ({ entity, isComplete: false }))
    const before = emptyings
    const rev = await write(entities, full)
    takeSoon()
    const answers = await Promise.all(entities.map((entity) => answerOf(entity, rev, before)))
    const known = answers.filter((answer) => answer !== undefined)
    return known.length < entities.length ? request({ entities, full }) : known
  }

  /** Undefined if the store was emptied meanwhile. */
  async function answerOf(entity: string, request: number, before: number): Promise<PullSummary | undefined> {
    for (;;) {
      const changed = nextChange()
      if (hooks.isHeld()) return { entity, isComplete: false }
      if (emptyings > before) return undefined
      const followed = hooks.scopesOf(entity)
      const rows = followed === undefined ? [await store.pullRow(user, entity)] : await rowsOf(entity, await followed)
      if (rows.every((row) => (row?.answers ?? 0) >= request)) {
        await hooks.allTold()
        const error = rows.find((row) => row?.lastError !== undefined)?.lastError
        return { entity, isComplete: error === undefined, ...(error === undefined ? {} : { error }) }
      }
      await changed
    }
  }

  /** How far each part has been pulled. While others are chosen than are pulled, there is no answer. */
  async function rowsOf(entity: string, scopes: readonly string[]): Promise<readonly (PullRow | undefined)[]> {
    const rows = (await store.pullRows(user)).flatMap(([kind, row]) => (kind === entity ? [row] : []))
    const whole = rows.find(({ scope }) => scope === undefined)
    if (whole?.parts === undefined || !isSame(whole.parts, scopes)) return [undefined]
    if (scopes.length === 0) return [whole]
    return scopes.map((one) => rows.find(({ scope }) => scope === one))
  }

  function nextChange(): Promise<void> {
    return new Promise((resolve) => {
      const listener = (): void => {
        listeners.delete(listener)
        resolve()
      }
      listeners.add(listener)
    })
  }

  function changed(): void {
    for (const listener of [...listeners]) listener()
  }

  return {
    /** @throws ValidationError */
    wishOf: (query: SyncQuery): Wish => ({ entities: entitiesOf(settings, query), full: query.full === true }),
    request,
    /**
     * The newest request that a pull meets which asks the server from now on, where `answered` is met already: for everything only one is met that was there
     * when a pull from the beginning began, which then was the request `begunWith`.
     */
    requestOf(entity: string, answered: number, begunWith = 0): number {
      const open = known.filter(({ rev, entities }) => rev > answered && entities.includes(entity))
      const next = open.findIndex(({ rev, full }) => full && rev > begunWith)
      return open.slice(0, next === -1 ? open.length : next).at(-1)?.rev ?? answered
    },
    /** Another handle has written the rows in which requests and answers lie. */
    storeChanged(): void {
      takeSoon()
      changed()
    },
    /** The store was emptied; it is looked at next. */
    emptied: (): void => void (emptyings += 1),
    /** This engine owns the lease from now on. */
    owned(): void {
      taken = 0
      takeSoon()
    },
    changed,
  }
}

/** What is left out is met with a later one: there are many for all that it asks for. */
function newestOf(requests: PullRequestRow['requests']): PullRequestRow['requests'] {
  const later = new Map<string, number>()
  const isKept = ({ entities }: PullRequestRow['requests'][number]): boolean => {
    const before = entities.map((entity) => later.get(entity) ?? 0)
    entities.forEach((entity, at) => later.set(entity, (before[at] ?? 0) + 1))
    return before.some((count) => count < KEPT)
  }
  return requests.toReversed().filter(isKept).toReversed()
}

function entitiesOf({ entities }: Settings, query: unknown): readonly string[] {
  if (!isRecord(query)) throw new ValidationError('query', 'must be an object, as { entity: "note", full: true }.')
  const known = Object.keys(entities)
  const { entity, full, ...others } = query
  if (Object.keys(others).length > 0)
    throw new ValidationError(Object.keys(others)[0] ?? '', 'is not known here: give entity and full.')
  if (full !== undefined && typeof full !== 'boolean') throw new ValidationError('full', 'must be true or false.')
  if (entity === undefined) return known
  if (typeof entity === 'string' && known.includes(entity)) return [entity]
  throw new ValidationError('entity', `must be one of the engine's entities: ${known.join(', ')}.`)
}
