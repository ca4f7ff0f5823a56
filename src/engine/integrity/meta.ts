import { decodedUser } from '../../core/operation.ts'
import { readPullRequests } from '../../core/pull-request-row.ts'
import { readScopes } from '../../core/scopes.ts'
import { readStatistics } from '../../core/statistics.ts'
import type { Entry, Fence, Scalar, Write } from '../../core/ports.ts'
import { readPullRow } from '../../core/pull-row.ts'
import { EDITS, INSTALL, isLeaseRow, isRecord, LEASE, META } from '../../core/schema.ts'
import { valueOf } from '../../core/sealed.ts'
import { idOf } from '../install-id.ts'
import { isAside, setAside } from './aside.ts'
import type { Findings } from './findings.ts'
import { pagesOf } from './pages.ts'
import { isOwn, type Task } from './site.ts'

/** How what can't be read is repaired; nothing: only people can. */
interface Kind {
  isReadable(entry: Entry): boolean
  /** What comes in its place; nothing comes by default. */
  instead?(task: Task, key: Scalar): Promise<readonly Write[]>
  /** Only the owner of the lease writes it. */
  readonly isOwners?: true
  /** Of what is broken. */
  readonly what: string
  readonly isLeft?: true
  entityOf?(name: string): string
}

/** The rows in which engines keep what they know beside operations, entities and conflicts. */
export async function checkMeta(task: Task, findings: Findings): Promise<void> {
  for await (const page of pagesOf(task.store.storage, META)) {
    for (const entry of page) {
      const kind = kindOf(String(entry.key))
      if (kind === undefined || !isConcerned(task, String(entry.key), kind)) continue
      findings.count('meta')
      if (!kind.isReadable(entry)) await foundUnreadable(task, findings, entry.key, kind)
    }
  }
}

async function foundUnreadable(task: Task, findings: Findings, key: Scalar, kind: Kind): Promise<void> {
  const now = await task.store.storage.get(META, key)
  if (now === undefined || kind.isReadable(now)) return
  const isRepaired = task.repair && kind.isLeft !== true && (await repair(task, key, kind))
  const entity = kind.entityOf?.(String(key))
  if (isRepaired && entity !== undefined) task.pullsForgotten(entity)
  findings.add({
    code: 'unreadable',
    collection: META,
    key,
    ...(entity === undefined ? {} : { entity }),
    message: `The row ${key} can not be read: ${kind.what}.`,
    repaired: isRepaired ? 'quarantined' : 'none',
  })
}

async function repair(task: Task, key: Scalar, kind: Kind): Promise<boolean> {
  const isUnreadable = (entry: Entry): boolean => !kind.isReadable(entry)
  const move = async (fence?: Fence): Promise<boolean> => {
    const entity = kind.entityOf?.(String(key))
    const also = entity === undefined ? [] : await task.store.forgetPulls(userIn(String(key)), entity)
    const gone: readonly Write[] = [{ type: 'delete', collection: META, key }, ...also]
    const instead = kind.instead === undefined ? gone : await kind.instead(task, key)
    return setAside(task, META, key, isUnreadable, instead, fence)
  }
  if (kind.isOwners !== true) return move()
  return task.asOwner(move)
}

/** More requests than can have been made since the last that was answered. */
const MANY = 1_000

const SHARED: Readonly<Record<string, Kind>> = {
  [LEASE]: {
    isReadable: (entry) => isLeaseRow(valueOf(entry)),
    what: 'nobody can own the store. Stop every engine on it, then remove this row of the collection "meta"',
    isLeft: true,
  },
  [EDITS]: {
    isReadable: isCounted,
    what: 'the owner takes each of its commits for contradicted, and sends nothing',
    // No older count is as high.
    instead: async ({ now }, name) => [{ type: 'put', collection: META, value: { name, rev: Math.max(1, Math.trunc(now())) } }],
  },
  [INSTALL]: {
    isReadable: (entry) => idOf(entry) !== undefined,
    what: 'no engine can start any more',
    instead: async ({ installId }, name) => [{ type: 'put', collection: META, value: { name, id: installId() } }],
  },
}

/** Those of users, by what their names begin with. */
const OF_USERS: Readonly<Record<string, Kind>> = {
  pull: {
    isReadable: (entry) => readPullRow(entry) !== undefined,
    what: 'it is not known how far this entity has been pulled. It is pulled from the beginning once the owner of the lease has removed this row',
    isOwners: true,
    entityOf: (name) => name.split('/', 3)[2] ?? '',
  },
  'pulls-wanted': {
    isReadable: (entry) => readPullRequests(entry) !== undefined,
    what: 'no pull can be asked for any more',
    instead: async (task, name) => [
      { type: 'put', collection: META, value: { name, rev: (await newestAnswer(task)) + MANY, requests: [] } },
    ],
  },
  scopes: {
    isReadable: (entry) => readScopes(entry) !== undefined,
    what: 'the parts of entities that were chosen are not known any more; those of the options are followed',
  },
  statistics: {
    isReadable: (entry) => readStatistics(entry) !== undefined,
    what: 'the totals that it held are lost; they count anew once it is removed',
  },
  conflicts: { isReadable: (entry) => isRecord(valueOf(entry)), what: 'the totals of forgotten conflicts that it held are lost' },
}

/** Of rows of other builds nothing is known. */
function kindOf(name: string): Kind | undefined {
  if (isAside(name)) return undefined
  if (Object.hasOwn(SHARED, name)) return SHARED[name]
  const prefix = name.split('/', 1)[0] ?? ''
  return name.includes('/') && Object.hasOwn(OF_USERS, prefix) ? OF_USERS[prefix] : undefined
}

function isConcerned(task: Task, name: string, kind: Kind): boolean {
  if (Object.hasOwn(SHARED, name)) return true
  const entity = kind.entityOf?.(name)
  return isOwn(task, userIn(name)) && (entity === undefined || task.concerns(entity))
}

/** Nobody is called by nothing. */
function userIn(name: string): string {
  const [, user = ''] = name.split('/', 2)
  return decodedUser(user) ?? ''
}

function isCounted(entry: Entry): boolean {
  return typeof fieldOf(entry, 'rev') === 'number'
}

function fieldOf(entry: Entry, field: string): unknown {
  const value = valueOf(entry)
  return isRecord(value) ? value[field] : undefined
}

async function newestAnswer({ store }: Task): Promise<number> {
  let newest = 0
  for await (const page of pagesOf(store.storage, META, { gt: ['pull/'], lt: ['pull0'] }))
    for (const entry of page) newest = Math.max(newest, readPullRow(entry)?.answers ?? 0)
  return newest
}
