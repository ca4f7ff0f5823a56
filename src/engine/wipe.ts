import { AUDIT } from '../core/audit-collection.ts'
import { isTerminal, keyOfUser, type OperationRow } from '../core/operation.ts'
import type { Entry, Expectation, Scalar, ScanQuery, Storage, Write } from '../core/ports.ts'
import { CONFLICTS, ENTITIES, isOperationRow, isRecord, META, OPERATIONS } from '../core/schema.ts'
import { infoOf } from './info.ts'
import type { OperationInfo } from './types.ts'

/** What a log-out gave up and removed. */
export interface Wiped {
  /** Operations that had not ended. */
  readonly givenUp: {
    readonly count: number
    /** Of those, that were sent before: the server may have applied them. */
    readonly inDoubt: number
    /** The first 100. */
    readonly operations: readonly (OperationInfo & { readonly isInDoubt: boolean })[]
  }
  /** Rows, the given-up operations among them. */
  readonly removed: {
    readonly operations: number
    readonly entities: number
    readonly conflicts: number
    readonly others: number
  }
}

const PAGE = 500
/** The key of a row of `entities` that is no entity: up to where they are numbered, once the newest of them was wiped with its user. */
const REVISIONS = '/'
const TOLD = 100
/** In the text of a row: whose it is, which stands before all that the application has put into it. */
const OWNER = /"user":("(?:[^"\\]|\\.)*")/

/** Removes everything of a user from the store, page by page; what is not of the user stays. Called again it goes on. */
export function createWipe(user: string, storage: Storage) {
  const prefix = keyOfUser(user, '')
  const end = `${prefix.slice(0, -1)}0`
  const name = encodeURIComponent(user)
  const removed = { operations: 0, entities: 0, conflicts: 0, others: 0 }
  const operations: (OperationInfo & { readonly isInDoubt: boolean })[] = []
  let [count, inDoubt] = [0, 0]

  async function* pages(collection: string, query: Omit<ScanQuery, 'limit'> = {}): AsyncGenerator<readonly Entry[]> {
    for (let { gt } = query; ;) {
      const page = await storage.scan(collection, { ...query, ...(gt === undefined ? {} : { gt }), limit: PAGE })
      if (page.length > 0) yield page
      gt = page.at(-1)?.position
      if (page.length < PAGE) return
    }
  }

  async function remove(
    kind: keyof typeof removed,
    collection: string,
    keys: readonly Scalar[],
    expect: readonly Expectation[],
    more: readonly Write[] = [],
  ): Promise<void> {
    if (keys.length === 0) return
    await storage.commit([...keys.map((key): Write => ({ type: 'delete', collection, key })), ...more], { expect })
    removed[kind] += keys.length
  }

  function giveUp(entries: readonly Entry[]): void {
    for (const { value } of entries) {
      const row = isOperationRow(value) ? value : undefined
      if (row !== undefined && isTerminal(row.status)) continue
      const isInDoubt = row !== undefined && mayBeApplied(row)
      count += 1
      if (isInDoubt) inDoubt += 1
      if (row !== undefined && operations.length < TOLD) operations.push({ ...infoOf(row), isInDoubt })
    }
  }

  /** Those that live first, which are known by their lanes if they can't be read. */
  async function wipeOperations(expect: readonly Expectation[]): Promise<void> {
    for await (const page of pages(OPERATIONS, { index: 'lane', gt: [prefix], lt: [end] })) {
      await remove('operations', OPERATIONS, page.map(keyOf), [...expect, ...stillThere(page)])
      giveUp(page)
    }
    for await (const page of pages(OPERATIONS)) {
      const own = page.filter(isOwn)
      await remove('operations', OPERATIONS, own.map(keyOf), [...expect, ...stillThere(own)])
      // What stands in no lane, and can't be read, had ended.
      giveUp(own.filter(({ value }) => isRecord(value)))
    }
  }

  /** Other users' tabs know up to which revision they have seen entities: it is not counted anew. */
  async function wipeEntities(expect: readonly Expectation[]): Promise<void> {
    const [newest] = await storage.scan(ENTITIES, { index: 'changed', limit: 1, reverse: true })
    for await (const page of pages(ENTITIES, { gt: [prefix], lt: [end] })) {
      const keys = page.map(keyOf)
      const isNewest = newest !== undefined && keys.includes(newest.key)
      const value = { key: REVISIONS, rev: Number(newest?.position[0]) }
      await remove('entities', ENTITIES, keys, expect, isNewest ? [{ type: 'put', collection: ENTITIES, value }] : [])
    }
  }

  async function wipeOthers(expect: readonly Expectation[]): Promise<void> {
    for await (const page of pages(CONFLICTS)) await remove('conflicts', CONFLICTS, page.filter(isOwn).map(keyOf), expect)
    for await (const page of pages(AUDIT, { index: 'time', prefix: [user] }))
      await remove('others', AUDIT, page.map(keyOf), expect)
    for await (const page of pages(META)) {
      await remove('others', META, page.filter(isOwnMeta).map(keyOf), expect)
    }
  }

  function isOwnMeta({ key, value }: Entry): boolean {
    const [kind, first = '', ...rest] = String(key).split('/')
    if (kind !== 'aside') return first === name
    // Without the number by which those of one row are told apart.
    return isOwnAside(first, rest.slice(0, -1), isRecord(value) ? value['raw'] : undefined)
  }

  /** What a repair has set aside is known by the key that it had or, where no user stands in that, by what it holds. */
  function isOwnAside(collection: string, key: readonly string[], raw: unknown): boolean {
    if (collection === ENTITIES) return key[0] === name
    return (collection === META && key[1] === name) || isOwnText(raw)
  }

  /** Also of a row that can't be read, as far as its text tells. */
  function isOwn({ value, raw }: Entry): boolean {
    return isRecord(value) ? value['user'] === user : isOwnText(raw)
  }

  function isOwnText(raw: unknown): boolean {
    return typeof raw === 'string' && OWNER.exec(raw)?.[1] === JSON.stringify(user)
  }

  return {
    /** @throws StorageConflictError as soon as one of these does not hold any more. */
    async run(expect: readonly Expectation[]): Promise<void> {
      await wipeOperations(expect)
      await wipeEntities(expect)
      await wipeOthers(expect)
    },
    /** By this call, so far. */
    result: (): Wiped => ({ givenUp: { count, inDoubt, operations: [...operations] }, removed: { ...removed } }),
  }
}

function keyOf({ key }: Entry): Scalar {
  return key
}

/** Where two tabs wipe at once, each operation is told of by the one that has removed it. Both read in the same order, so one row speaks for its page. */
function stillThere(page: readonly Entry[]): readonly Expectation[] {
  const row = page.map(({ value }) => value).find(isOperationRow)
  return row === undefined ? [] : [{ collection: OPERATIONS, key: row.seq, field: 'rev', equals: row.rev }]
}

function mayBeApplied({ unknownAttempts, wasInDoubt }: OperationRow): boolean {
  return unknownAttempts > 0 || wasInDoubt === true
}
