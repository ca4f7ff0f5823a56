import { valueIn, type ActionEffects } from '../core/derive.ts'
import { withReplaced } from '../core/earlier.ts'
import { laneOf } from '../core/operation.ts'
import { DAY_MS } from '../core/option-checks.ts'
import type { Change, Clock, CommitOptions, Write } from '../core/ports.ts'
import { pullRowName, type PullRow } from '../core/pull-row.ts'
import { ENTITIES, type EntityRow } from '../core/schema.ts'
import type { Occasion } from './audit-writer.ts'
import type { Confirmation } from './confirmation.ts'
import { createConfirmer, versionOf, type Confirmed } from './confirmer.ts'
import { createGenerations, firstAfter } from './generations.ts'
import { afterChoice, afterPull, departed, heldByOthers, holdersOf, lacks, newestByKey, noted, orderOf } from './holders.ts'
import { PAGE_LIMIT, type Store } from './store.ts'
import { putPullRow } from './pull-rows.ts'
import type { PageWrite, Told, Writer } from './replica-writes.ts'
import { createTurns } from './turns.ts'

/** What a sweep leaves of a row; undefined if it is gone. */
type LeftOf = (row: EntityRow) => EntityRow | undefined

/** Temporary ids may stand in an open page, or in its address, long after nothing of ours names them. They are forgotten as tombstones are, this much later. */
const NAME_KEPT_MS = 30 * DAY_MS
/** Each owner begins above all that the ones before it gave, also where by damage the newest entity is not found: what others have seen as new is not given again. */
const REVISIONS_AN_EPOCH = 1_048_576
const NO_SEQS: ReadonlyMap<string, number | undefined> = new Map()

export type Replica = ReturnType<typeof createReplica>

/**
 * What the server last confirmed, in the store. Only the owner writes it, one commit after the other: an answer to an operation and a page of
 * changes may be about the same entity, and the older of the two must not win (S19).
 */
export function createReplica(store: Store, user: string, clock: Clock, actionsOf: (entity: string) => ActionEffects) {
  const turns = createTurns()
  const pulls = createGenerations(user)
  const rowsAfter = createConfirmer(store, user, clock, pulls, actionsOf)
  /** Lanes whose operations were confirmed since the page that is under way was asked for. */
  let confirmedMeanwhile = new Set<string>()
  /** Whether one of them may have been applied before the present run began: others may have deleted it again before, of which no page tells. */
  let isInDoubt = false
  let loadedAs: number | undefined
  let rev = 0
  let wasRepaired = false

  /** Only the owner writes, so it need look once only. */
  async function load(epoch: number): Promise<void> {
    if (loadedAs === epoch) return
    const rows = await store.pullRows(user)
    rev = Math.max(rev, (await store.newestEntity()).rev, epoch * REVISIONS_AN_EPOCH)
    pulls.load(rows)
    loadedAs = epoch
  }

  async function confirmed(confirmations: readonly Confirmation[]): Promise<Write[]> {
    for (const { operation } of confirmations) {
      confirmedMeanwhile.add(laneOf(user, operation.entity, operation.entityId))
      if (!pulls.isFresh(operation)) isInDoubt = true
    }
    return [...(await rowsAfter(confirmations)), ...(await movedFrom(confirmations))].map(({ row, was }) => put(row, was))
  }

  /** Where entities were known by other ids: whoever asks for that is shown on from here. What the server has by a temporary one stays. */
  async function movedFrom(confirmations: readonly Confirmation[]): Promise<readonly Confirmed[]> {
    const moved = confirmations.filter(({ formerId }) => formerId !== undefined)
    const keys = moved.map(({ operation: { entity }, formerId = '' }) => laneOf(user, entity, formerId))
    const found = keys.length === 0 ? [] : await store.entities(keys)
    const deletedAt = clock.now() + NAME_KEPT_MS
    return moved.flatMap(({ operation: { type, entityId } }, at) => {
      const [key, was] = [keys[at] ?? '', found[at]]
      return type === 'create' && valueIn(was) !== undefined ? [] : [{ row: { key, movedTo: entityId, deletedAt }, was }]
    })
  }

  /** Nothing of it can be seen to have changed. */
  function touch(row: EntityRow): Write {
    return { type: 'put', collection: ENTITIES, value: row, was: row }
  }

  function put({ rev: _former, ...row }: EntityRow, was: EntityRow | undefined): Write {
    return { type: 'put', collection: ENTITIES, value: { rev: ++rev, ...row }, ...(was === undefined ? {} : { was }) }
  }

  async function pageWrites({ entity, changes, alsoMet, row }: PageWrite): Promise<Write[] | 'outdated'> {
    const newest = newestByKey(changes, ({ id }) => laneOf(user, entity, id))
    const met = alsoMet.map((id) => laneOf(user, entity, id)).filter((key) => !newest.has(key))
    const keys = [...newest.keys(), ...met]
    const found = await store.entities(keys)
    const generation = row.scope === undefined ? row.generation : (pulls.newest(entity) ?? row.generation)
    const seqs = await newestSeqs(found)
    const writes: Write[] = []
    for (const [at, key] of keys.entries()) {
      const [told, current] = [newest.get(key), found[at]]
      const change = confirmedMeanwhile.has(key) ? told : departed(told, current, row)
      const order = orderOf(current, change, row, confirmedMeanwhile.has(key))
      const isDeparture = row.scope !== undefined && change !== undefined && 'deleted' in change
      const left = isDeparture ? heldByOthers(current, row.scope) : undefined
      const isLate = order === undefined || (isDeparture && order > 0)
      if (left !== undefined) {
        if (left !== current) writes.push(touch(left))
        continue
      }
      if (change !== undefined && isLate && confirmedMeanwhile.has(key)) return 'outdated'
      if (change !== undefined && ((order ?? -1) < 0 || (order === 0 && lacks(current, change))))
        writes.push(
          put(
            {
              ...rowOf(key, change, generation, holdersOf(current, row)),
              ...withReplaced(current, seqs.get(key), isDeparture ? undefined : change.version),
            },
            current,
          ),
        )
      else if (current !== undefined && !isDeparture) {
        const met = noted(current, row)
        if (met !== current) writes.push(touch(met))
      }
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

  function rowOf(key: string, change: Change, generation: number, held: Pick<EntityRow, 'scopes'>): EntityRow {
    // In V8 a property costs ten times as much where it is added to a copy, and a pull makes a row of each change.
    const told = 'deleted' in change ? { deletedAt: clock.now() } : { value: change.value, ...held }
    return { key, generation, ...told, ...versionOf(change.version) }
  }

  return {
    /** What the store had is gone. */
    forget: (): void => void (loadedAs = undefined),
    /** Begins an ownership, or goes on with it. */
    own: async (epoch: number): Promise<void> => (loadedAs === epoch ? undefined : turns.take(() => load(epoch))),
    /** Nothing else writes entities meanwhile. */
    inTurn: turns.take,
    /** The same, for who writes beside it what it has in memory; `next` is a revision that nothing had. */
    repaired: (epoch: number, task: (next: number) => Promise<boolean>): Promise<boolean> =>
      turns.take(async () => {
        await load(epoch)
        loadedAs = undefined
        wasRepaired = true
        return task(++rev)
      }),
    /** Whether anything of this kind was ever pulled. */
    isPulled: pulls.isPulled,
    /** A commit of the owner, with what the server confirmed by it. Gives the keys of what was appended. */
    commit: (epoch: number, writes: readonly Write[], confirmations: readonly Confirmation[], options: CommitOptions) =>
      turns.take(async () => {
        await load(epoch)
        pulls.noteFirstSends(writes)
        return commitAs(epoch, [...writes, ...(await confirmed(confirmations))], options)
      }),

    /** What the server has of an entity whose row no pull has changed since it was asked: the row gives way, whatever its version. False if it is another by now. */
    putRight: (epoch: number, entity: string, id: string, seen: EntityRow | undefined, fetched: Told): Promise<boolean> =>
      turns.take(async () => {
        await load(epoch)
        const key = laneOf(user, entity, id)
        const current = await store.entity(key)
        if (current?.rev !== seen?.rev) return false
        const version = fetched.type === 'found' ? fetched.version : current?.version
        const change: Change = fetched.type === 'found' ? { id, version, value: fetched.value } : { id, version, deleted: true }
        const { scopes } = current ?? {}
        const row = rowOf(key, change, current?.generation ?? pulls.newest(entity) ?? 0, scopes === undefined ? {} : { scopes })
        const seqs = await newestSeqs(current === undefined ? [] : [current])
        await commitAs(epoch, [put({ ...row, ...withReplaced(current, seqs.get(key), version) }, current)], {})
        return true
      }),

    /** Called before a page is asked for: what is confirmed from now on may be newer than what it brings. */
    asking(): void {
      confirmedMeanwhile = new Set()
      isInDoubt = false
    },

    /** How far the entity has been pulled, by all that was written. */
    pullRow: (entity: string, scope?: string) => turns.take(() => store.pullRow(user, entity, scope)),

    /** The page and how far it reaches, in one commit (S18). `outdated` if that can't be told: then it must be asked for again. */
    applyPage: (writer: Writer, page: PageWrite): Promise<'applied' | 'outdated'> =>
      turns.take(async () => {
        await load(writer.epoch)
        if (!(await isCurrent(page.entity, page.row))) return 'outdated'
        const writes = await pageWrites(page)
        if (writes === 'outdated') return writes
        await write(writer, [...writes, putPullRow(page.row)], page.isFirst ? 'firstPull' : 'turn')
        pulls.note(page.entity, page.row)
        return 'applied'
      }),

    /** Begins a pull from the beginning. That of a part has a generation of all of them; that of the whole ends those of its parts. */
    begin: (writer: Writer, entity: string, row: PullRow): Promise<PullRow> =>
      turns.take(async () => {
        await load(writer.epoch)
        const { rows, last } = await store.entityPage(user, entity, '', PAGE_LIMIT)
        const whole = row.scope === undefined ? undefined : await wholeOf(entity)
        const counted = whole === undefined ? row : { ...row, generation: whole.generation + 1 }
        const own =
          counted.generation > 1 ? counted : { ...counted, generation: await firstAfter(store, user, entity, { rows, last }) }
        const begun = rows.length > 0 ? own : { ...own, wasEmpty: true }
        const others = whole === undefined ? pulls.endAllBut(entity, []) : [putPullRow({ ...whole, generation: own.generation })]
        await write(writer, [putPullRow(begun), ...others])
        pulls.note(entity, begun)
        return begun
      }),

    /** From now on these parts are pulled. What none holds is gone, and so is how far others were pulled; of none, also if nothing changes but all is pulled anew. */
    follow: (writer: Writer, entity: string, scopes: readonly string[], isAnew: boolean): Promise<void> =>
      turns.take(async () => {
        await load(writer.epoch)
        const whole = await wholeOf(entity)
        if (pulls.isDividedInto(scopes, entity, whole) && !(isAnew && scopes.length === 0)) return
        const last = [putPullRow({ ...whole, parts: scopes }), ...pulls.endAllBut(entity, scopes)]
        if (last.length > 1 || scopes.length === 0) await sweepRows(writer, entity, (row) => afterChoice(row, scopes), last)
        else await write(writer, last)
        loadedAs = undefined
      }),

    /** Notes how a pull ended. */
    note: (writer: Writer, entity: string, row: PullRow) =>
      turns.take(async () => {
        await load(writer.epoch)
        if (!(await isCurrent(entity, row))) return
        await write(writer, [putPullRow(row)])
        pulls.note(entity, row)
      }),

    /**
     * Ends a pull from the beginning: what it has not met is gone (S21), unless another part holds it. `outdated` if that can't be told: then there
     * must be asked once more.
     */
    sweep: (writer: Writer, entity: string, row: PullRow): Promise<'swept' | 'outdated'> =>
      turns.take(async () => {
        await load(writer.epoch)
        if (isInDoubt || !(await isCurrent(entity, row))) return 'outdated'
        pulls.note(entity, row)
        const named = new Set(row.quarantined?.map(({ id }) => laneOf(user, entity, id)))
        await sweepRows(writer, entity, (found) => afterPull(found, row, pulls.partsOf(entity), named), [putPullRow(row)])
        pulls.note(entity, row)
        return 'swept'
      }),
  }

  /** While it waited for its page, a repair may have made all be pulled anew. */
  async function isCurrent(entity: string, { scope, generation }: PullRow): Promise<boolean> {
    return !wasRepaired || (await store.pullRow(user, entity, scope))?.generation === generation
  }

  /** Counts the generations of the parts. */
  async function wholeOf(entity: string): Promise<PullRow> {
    const { generation = 0, parts: now = [] } = (await store.pullRow(user, entity)) ?? {}
    return { name: pullRowName(user, entity), generation, parts: now, isPartial: false, met: 0 }
  }

  /** What is left of each row, then what is written once that is done. */
  async function sweepRows(writer: Writer, entity: string, leftOf: LeftOf, last: readonly Write[]): Promise<void> {
    for (let after = ''; ;) {
      const page = await store.entityPage(user, entity, after, PAGE_LIMIT)
      const writes = await sweepWrites(page.rows, entity, leftOf)
      const isLast = page.last === undefined
      if (isLast || writes.length > 0) await write(writer, isLast ? [...writes, ...last] : writes)
      if (page.last === undefined) return
      after = page.last
    }
  }

  async function sweepWrites(rows: readonly EntityRow[], entity: string, leftOf: LeftOf): Promise<Write[]> {
    const found = rows.filter(({ deletedAt }) => deletedAt === undefined).map((row) => ({ row, left: leftOf(row) }))
    const seqs = await newestSeqs(found.flatMap(({ row, left }) => (left === undefined ? [row] : [])))
    const generation = pulls.newest(entity) ?? 0
    return found.flatMap(({ row, left }) => {
      if (left !== undefined) return left === row ? [] : [touch(left)]
      // Of what an answer brought meanwhile the pages' copies of the server may not know yet: then the next page tells of this very version.
      const version = row.answeredIn === generation ? {} : versionOf(row.version)
      const replaced = withReplaced(row, seqs.get(row.key), undefined)
      return [put({ key: row.key, generation, ...version, deletedAt: clock.now(), ...replaced }, row)]
    })
  }

  async function write({ epoch, signal }: Writer, writes: readonly Write[], occasion?: Occasion): Promise<void> {
    signal.throwIfAborted()
    await commitAs(epoch, writes, {}, occasion)
  }

  /** One that failed may have been written all the same: then what is known of the store is out of date. */
  async function commitAs(epoch: number, writes: readonly Write[], options: CommitOptions, occasion?: Occasion) {
    try {
      return await store.commitAs(epoch, writes, options, occasion)
    } catch (error) {
      loadedAs = undefined
      throw error
    }
  }
}
