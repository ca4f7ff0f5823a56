import { compareVersions } from '../core/versions.ts'
import { applied, valueIn, type ActionEffects } from '../core/derive.ts'
import { withOlderAnswer, withReplaced } from '../core/earlier.ts'
import type { Json } from '../core/json.ts'
import { laneOf, type OperationRow } from '../core/operation.ts'
import type { Change, Clock, CommitOptions, Write } from '../core/ports.ts'
import { ENTITIES, META, OPERATIONS, isOperationRow, type EntityRow, type PullRow } from '../core/schema.ts'
import { PAGE_LIMIT, type Store } from './store.ts'
import { createTurns } from './turns.ts'

/** What the server confirmed of an entity by its answer to an operation. */
export interface Confirmation {
  readonly operation: OperationRow
  readonly version: string | undefined
  readonly value: Json | undefined
}

/** What a page brings to the store. */
export interface PageWrite {
  readonly entity: string
  readonly changes: readonly Change[]
  /** Ids that the page named and that nothing could be learned of: they are there all the same. */
  readonly alsoMet: readonly string[]
  readonly row: PullRow
}

/** Whose writes these are; called off once the signal fires. */
export interface Writer {
  readonly epoch: number
  readonly signal: AbortSignal
}

/** The newest pull from the beginning of a kind of entity. */
interface Run {
  readonly generation: number
  /** It is under way. */
  readonly isPartial: boolean
  /** Operations that were sent for the first time since it began: whatever becomes of what they made, its pages tell. */
  readonly fresh: Set<string>
}

const NO_SEQS: ReadonlyMap<string, number | undefined> = new Map()

export type Replica = ReturnType<typeof createReplica>

/**
 * What the server last confirmed, in the store. Only the owner writes it, one commit after the other: an answer to an operation and a page of
 * changes may be about the same entity, and the older of the two must not win (S19).
 */
export function createReplica(store: Store, user: string, { now }: Clock, actionsOf: (entity: string) => ActionEffects) {
  const turns = createTurns()
  /** By entity; empty if nothing was ever pulled. */
  let runs = new Map<string, Run>()
  /** Lanes whose operations were confirmed since the page that is under way was asked for. */
  let confirmedMeanwhile = new Set<string>()
  /** Whether one of them may have been applied before the present run began: others may have deleted it again before, of which no page tells. */
  let isInDoubt = false
  let loadedAs: number | undefined
  let rev = 0

  /** Only the owner writes, so it need look once only. */
  async function load(epoch: number): Promise<void> {
    if (loadedAs === epoch) return
    const rows = await store.pullRows(user)
    rev = (await store.newestEntity()).rev
    runs = new Map(rows.map(([entity, row]) => [entity, runOf(row)]))
    loadedAs = epoch
  }

  /** Of one lane there is one at most: its operations are in play one at a time. */
  async function confirmed(confirmations: readonly Confirmation[]): Promise<Write[]> {
    if (confirmations.length === 0) return []
    const lanes = confirmations.map(({ operation: { entity, entityId } }) => laneOf(user, entity, entityId))
    const isNeeded = confirmations.some((one) => isPulled(one.operation.entity) || isWithoutValue(one))
    const found = isNeeded ? await store.entities(lanes) : []
    return confirmations.flatMap((one, at) => {
      const [key, current] = [lanes[at] ?? '', found[at]]
      confirmedMeanwhile.add(key)
      if (!isFresh(one.operation)) isInDoubt = true
      return isOlder(one, current) ? olderAnswer(one, current) : [put(rowAfter(key, one, current))]
    })
  }

  function olderAnswer(one: Confirmation, current: EntityRow | undefined): Write[] {
    const { operation, version } = one
    const value = valueOf(one)
    const answer = { ...versionOf(version), ...(value === undefined ? {} : { value }) }
    const row = current === undefined ? undefined : withOlderAnswer(current, operation.seq, answer)
    return row === undefined ? [] : [put(row)]
  }

  /** Sent for the first time since the present run began. */
  function isFresh({ id, entity }: OperationRow): boolean {
    const run = runs.get(entity)
    return run === undefined || !run.isPartial || run.fresh.has(id)
  }

  function noteFirstSends(writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.type !== 'put' || write.collection !== OPERATIONS || !isOperationRow(write.value)) continue
      const { id, entity, status, attempts } = write.value
      const run = runs.get(entity)
      if (status === 'sending' && attempts === 1 && run?.isPartial === true) run.fresh.add(id)
    }
  }

  /** Where versions can't be compared, one that the operation was not made on has been pulled since it was sent. */
  function isOlder({ operation: { entity, type, baseVersion }, version }: Confirmation, current: EntityRow | undefined): boolean {
    if (!isPulled(entity) || current?.version === undefined) return false
    const order = compareVersions(current.version, version)
    if (order !== undefined) return order > 0
    if (baseVersion === undefined) return (type === 'create' || type === 'delete') && current.deletedAt === undefined
    return current.version !== baseVersion
  }

  function rowAfter(key: string, one: Confirmation, current: EntityRow | undefined): EntityRow {
    const { operation, version } = one
    const generation = isFresh(operation) ? runs.get(operation.entity)?.generation : current?.generation
    const own = { key, ...(generation === undefined ? {} : { generation }) }
    if (operation.type === 'delete') return { ...own, ...versionOf(version), deletedAt: now() }
    const told = valueOf(one)
    if (told !== undefined) return { ...own, ...versionOf(version), value: told }
    const value = applied(valueIn(current), operation, actionsOf(operation.entity))
    return { ...own, ...versionOf(version), ...(value === undefined ? {} : { value, isReckoned: true }) }
  }

  function put(row: EntityRow): Write {
    return { type: 'put', collection: ENTITIES, value: { ...row, rev: ++rev } }
  }

  function isPulled(entity: string): boolean {
    return runs.has(entity)
  }

  async function pageWrites({ entity, changes, alsoMet, row }: PageWrite): Promise<Write[] | 'outdated'> {
    const newest = new Map(changes.map((change) => [laneOf(user, entity, change.id), change]))
    const met = alsoMet.map((id) => laneOf(user, entity, id)).filter((key) => !newest.has(key))
    const keys = [...newest.keys(), ...met]
    const found = await store.entities(keys)
    const seqs = await newestSeqs(found)
    const writes: Write[] = []
    for (const [at, key] of keys.entries()) {
      const [change, current] = [newest.get(key), found[at]]
      const isMet = current === undefined || current.generation === row.generation
      const order = isMet || confirmedMeanwhile.has(key) ? compareVersions(current?.version, change?.version) : -1
      if (change !== undefined && order === undefined && confirmedMeanwhile.has(key)) return 'outdated'
      if (change !== undefined && ((order ?? -1) < 0 || lacks(current, change)))
        writes.push(put({ ...rowOf(key, change, row.generation), ...withReplaced(current, seqs.get(key), change.version) }))
      else if (!isMet) writes.push({ type: 'put', collection: ENTITIES, value: { ...current, generation: row.generation } })
    }
    return writes
  }

  /** Of those that are there, by key; not looked up where nothing waits. */
  async function newestSeqs(rows: readonly (EntityRow | undefined)[]): Promise<ReadonlyMap<string, number | undefined>> {
    const keys = rows.flatMap((row) => row?.key ?? [])
    if (keys.length === 0 || (await store.countLive(user)) === 0) return NO_SEQS
    const seqs = await store.newestSeqs(keys)
    return new Map(keys.map((key, at) => [key, seqs[at]]))
  }

  function rowOf(key: string, change: Change, generation: number): EntityRow {
    const own = { key, generation, ...versionOf(change.version) }
    return 'deleted' in change ? { ...own, deletedAt: now() } : { ...own, value: change.value }
  }

  return {
    /** Begins an ownership, or goes on with it. */
    own: async (epoch: number): Promise<void> => (loadedAs === epoch ? undefined : turns.take(() => load(epoch))),
    /** Whether anything of this kind was ever pulled. */
    isPulled,
    /** A commit of the owner, with what the server confirmed by it. */
    commit: (epoch: number, writes: readonly Write[], confirmations: readonly Confirmation[], options: CommitOptions) =>
      turns.take(async () => {
        await load(epoch)
        noteFirstSends(writes)
        await commitAs(epoch, [...writes, ...(await confirmed(confirmations))], options)
      }),

    /** Called before a page is asked for: what is confirmed from now on may be newer than what it brings. */
    asking(): void {
      confirmedMeanwhile = new Set()
      isInDoubt = false
    },

    /** How far the entity has been pulled, by all that was written. */
    pullRow: (entity: string) => turns.take(() => store.pullRow(user, entity)),

    /** The page and how far it reaches, in one commit (S18). `outdated` if that can't be told: then it must be asked for again. */
    applyPage: (writer: Writer, page: PageWrite): Promise<'applied' | 'outdated'> =>
      turns.take(async () => {
        await load(writer.epoch)
        const writes = await pageWrites(page)
        if (writes === 'outdated') return writes
        await write(writer, [...writes, putPullRow(page.row)])
        noteRun(page.entity, page.row)
        return 'applied'
      }),

    /** Begins a pull from the beginning. */
    begin: (writer: Writer, entity: string, row: PullRow): Promise<PullRow> =>
      turns.take(async () => {
        await load(writer.epoch)
        const { rows } = await store.entityPage(user, entity, '', 1)
        const begun = rows.length > 0 ? row : { ...row, wasEmpty: true }
        await write(writer, [putPullRow(begun)])
        noteRun(entity, begun)
        return begun
      }),

    /** Notes how a pull ended. */
    note: (writer: Writer, entity: string, row: PullRow) =>
      turns.take(async () => {
        await load(writer.epoch)
        await write(writer, [putPullRow(row)])
        noteRun(entity, row)
      }),

    /** Ends a pull from the beginning: what it has not met is gone (S21). `outdated` if that can't be told: then there must be asked once more. */
    sweep: (writer: Writer, entity: string, row: PullRow): Promise<'swept' | 'outdated'> =>
      turns.take(async () => {
        await load(writer.epoch)
        if (isInDoubt) return 'outdated'
        for (let after = ''; ;) {
          const page = await store.entityPage(user, entity, after, PAGE_LIMIT)
          const writes = await sweepWrites(page.rows, row)
          const isLast = page.last === undefined
          if (isLast || writes.length > 0) await write(writer, isLast ? [...writes, putPullRow(row)] : writes)
          if (page.last === undefined) break
          after = page.last
        }
        noteRun(entity, row)
        return 'swept'
      }),
  }

  async function sweepWrites(rows: readonly EntityRow[], { generation }: PullRow): Promise<Write[]> {
    const unmet = rows.filter((row) => row.deletedAt === undefined && row.generation !== generation)
    const seqs = await newestSeqs(unmet)
    return unmet.map((row) =>
      put({
        key: row.key,
        generation,
        ...versionOf(row.version),
        deletedAt: now(),
        ...withReplaced(row, seqs.get(row.key), undefined),
      }),
    )
  }

  function noteRun(entity: string, row: PullRow): void {
    const known = runs.get(entity)
    const isSame = known !== undefined && known.generation === row.generation && row.isPartial
    runs.set(entity, isSame ? known : runOf(row))
  }

  async function write({ epoch, signal }: Writer, writes: readonly Write[]): Promise<void> {
    signal.throwIfAborted()
    await commitAs(epoch, writes, {})
  }

  /** One that failed may have been written all the same: then what is known of the store is out of date. */
  async function commitAs(epoch: number, writes: readonly Write[], options: CommitOptions): Promise<void> {
    try {
      await store.commitAs(epoch, writes, options)
    } catch (error) {
      loadedAs = undefined
      throw error
    }
  }
}

/** An answer without the entity left us with its version, and a value of our own at best. */
function lacks(current: EntityRow | undefined, change: Change): boolean {
  const isTold = current?.value !== undefined && current.isReckoned !== true
  return current?.deletedAt === undefined && !isTold && 'value' in change
}

/** The answer to an action of the application is the entity only if it says so. */
function valueOf({ operation: { type, entityId }, value }: Confirmation): Json | undefined {
  if (type === 'create' || type === 'update' || type === 'replace') return value
  return typeof value === 'object' && value !== null && 'id' in value && value['id'] === entityId ? value : undefined
}

function isWithoutValue(one: Confirmation): boolean {
  return one.operation.type !== 'delete' && valueOf(one) === undefined
}

function versionOf(version: string | undefined): { version?: string } {
  return version === undefined ? {} : { version }
}

function runOf({ generation, isPartial }: PullRow): Run {
  return { generation, isPartial, fresh: new Set() }
}

function putPullRow(row: PullRow): Write {
  return { type: 'put', collection: META, value: row }
}
