import { AUDIT, AUDIT_COLLECTION } from './audit-collection.ts'
import type { EarlierBase } from './earlier.ts'
import type { Json } from './json.ts'
import type { OperationRow, SetAside, StoredError } from './operation.ts'
import { LIVE_STATUSES, MAX_MEMBERS, PRIORITIES, TERMINAL_STATUSES } from './operation.ts'
import type { Entry, StoreSchema } from './ports.ts'
import { StorageCorruptError } from './errors.ts'
import { valueOf } from './sealed.ts'

export const OPERATIONS = 'operations'
export const ENTITIES = 'entities'
export const META = 'meta'
/** The inbox: what was in conflict, and how it ended. */
export const CONFLICTS = 'conflicts'

/** Rows of `meta`. Those of one user are named so that the user, encoded, stands after the first slash: by that a log-out finds them. */
export const LEASE = 'lease'
export const EDITS = 'edits'
export const INSTALL = 'install'

/** Where a row in play stands in the index `due`: before all that wait, so that a new owner finds what the last one left. */
export const IN_PLAY = -1
/** Where a parked row stands in the index `due`: it is never due by itself. */
export const NEVER_DUE = Number.MAX_SAFE_INTEGER

export const STORE_SCHEMA: StoreSchema = {
  version: 3,
  collections: {
    [OPERATIONS]: {
      key: 'seq',
      autoIncrement: true,
      compared: ['rev'],
      indexes: {
        id: { fields: ['id'], unique: true },
        lane: { fields: ['lane', 'seq'] },
        rank: { fields: ['user', 'rank', 'seq'] },
        due: { fields: ['user', 'dueAt', 'seq'] },
        finished: { fields: ['status', 'finishedAt', 'seq'] },
        chosenKey: { fields: ['chosenKey'], unique: true },
        dedupeKey: { fields: ['dedupeKey'], unique: true },
      },
    },
    [ENTITIES]: { key: 'key', indexes: { changed: { fields: ['rev'] }, deleted: { fields: ['deletedAt'] } } },
    [META]: { key: 'name', compared: ['rev', 'epoch'], indexes: {} },
    [CONFLICTS]: { key: 'id', indexes: { status: { fields: ['status', 'since', 'id'] } } },
    [AUDIT]: AUDIT_COLLECTION,
  },
}

/** What the server last confirmed of an entity. */
export interface EntityRow {
  /** The lane. */
  readonly key: string
  readonly version?: string
  /** Absent after a delete, or where the server's answer held no value. */
  readonly value?: Json
  /** The server told its version alone: the value is what was sent to it, and the server's own replaces it as soon as a page brings it. */
  readonly isReckoned?: true
  /** A tombstone, kept for some time so that an older change does not bring the entity back. Milliseconds since 1970; index `deleted`. */
  readonly deletedAt?: number
  /** Grows with each change of the replica, by which other tabs find what is new. Unique. */
  readonly rev?: number
  /** Under this id the entity was created; the server gave it another one, where its row is (B8). There is no value here. */
  readonly movedTo?: string
  /** The pull from the beginning that last met it. Where only parts are followed: the newest that had begun when this was learned. */
  readonly generation?: number
  /** Where only parts are followed: those that hold it, each with the generation of its pull that last met it. */
  readonly scopes?: Readonly<Record<string, number>>
  /** What operations that are not sent yet were made on, where a pull has replaced it since. */
  readonly earlier?: readonly EarlierBase[]
  /** The version of its entity in the application that the value has the shape of; absent: 1. */
  readonly shape?: number
  /** Then there is no value. */
  readonly aside?: SetAside<Json>
}

/** How far the changes of one kind of entity, or of a part of it, have been pulled. A row of `meta`. */
export interface PullRow {
  readonly name: string
  /** The part; absent: all of the entity. */
  readonly scope?: string
  /** The entity is pulled in these parts, each with a row of its own: this one only counts the generations of all of them. */
  readonly parts?: readonly string[]
  /** Where the last page ended; absent before the first. */
  readonly cursor?: string
  /** Of the last complete answer. */
  readonly etag?: string
  /** Counts the pulls from the beginning. */
  readonly generation: number
  /** True while one of these is under way: what it has not met by its end is gone. */
  readonly isPartial: boolean
  /** Nothing was there when it began, so at its end nothing can be left that it has not met. */
  readonly wasEmpty?: boolean
  /** How many changes it has brought so far. */
  readonly met: number
  /** How many it will bring in all, if the server has told. */
  readonly total?: number
  /** When the server was last known to have nothing more; milliseconds since 1970. */
  readonly completeAt?: number
  /** The newest request of another tab that it has answered. */
  readonly answers?: number
  /** Why that one was not met yet. */
  readonly lastError?: StoredError
  /** What its pages could not bring: each is asked for alone from `dueAt` on. */
  readonly quarantined?: readonly Quarantined[]
}

export interface Quarantined {
  readonly id: string
  /** How often it was asked for in vain. */
  readonly tries: number
  /** Milliseconds since 1970. */
  readonly dueAt: number
}

export function pullRowName(user: string, entity: string, scope?: string): string {
  const part = scope === undefined ? '' : `/${encodeURIComponent(scope)}`
  return `pull/${encodeURIComponent(user)}/${entity}${part}`
}

export function readPullRow(entry: Entry | undefined): PullRow | undefined {
  const value = valueOf(entry)
  return isPullRow(value) ? value : undefined
}

function isPullRow(value: unknown): value is PullRow {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    isPartNamed(value['name'], value['scope']) &&
    isCounter(value['generation']) &&
    (value['answers'] === undefined || isCounter(value['answers'])) &&
    typeof value['isPartial'] === 'boolean' &&
    typeof value['met'] === 'number' &&
    (value['parts'] === undefined || isTexts(value['parts'])) &&
    ['scope', 'cursor', 'etag'].every((field) => isOptional(value[field], 'string')) &&
    isOptional(value['total'], 'number') &&
    (value['quarantined'] === undefined || isQuarantine(value['quarantined']))
  )
}

const LONE_SURROGATE = /\p{Cs}/u

/** Else the row of a part would be taken for that of the whole, or of another. */
function isPartNamed(name: string, scope: unknown): boolean {
  const part = name.split('/')[3]
  return typeof scope === 'string' ? !LONE_SURROGATE.test(scope) && part === encodeURIComponent(scope) : part === scope
}

/** It can go on being counted. */
export function isCounter(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 52
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function isQuarantine(value: unknown): boolean {
  const isOne = (one: unknown): boolean =>
    isRecord(one) && typeof one['id'] === 'string' && typeof one['tries'] === 'number' && typeof one['dueAt'] === 'number'
  return Array.isArray(value) && value.every(isOne)
}

/** By entity, the version of the application. */
export type Versions = Readonly<Record<string, number>>

/** Who may drain. `beat` grows with every heartbeat, so that others see it live without comparing clocks. */
export interface LeaseRow {
  readonly name: typeof LEASE
  /** Empty when released. */
  readonly owner: string
  readonly epoch: number
  readonly beat: number
  /** Grows with every write. */
  readonly rev: number
  /** How others can tell that the owner is gone. */
  readonly holder?: string
  /** Whose operations the owner sends. */
  readonly user?: string
  /** Which shapes it knows, of those entities of which that is not the first. */
  readonly versions?: Versions
}

const STATUSES: ReadonlySet<unknown> = new Set([...LIVE_STATUSES, ...TERMINAL_STATUSES])
const WEIGHTS: ReadonlySet<unknown> = new Set(PRIORITIES)

/** The operation in an entry, or undefined if the row can't be used: then it is quarantined where it stands. */
export function readOperation(entry: Entry): OperationRow | undefined {
  const value = valueOf(entry)
  return isOperationRow(value) ? value : undefined
}

export function readEntity(entry: Entry | undefined): EntityRow | undefined {
  const value = valueOf(entry)
  return isEntityRow(value) ? value : undefined
}

export function readLease(entry: Entry | undefined): LeaseRow | undefined {
  if (entry === undefined) return undefined
  const value = valueOf(entry)
  if (isLeaseRow(value)) return value
  throw new StorageCorruptError(
    'The lease record can not be read. Stop every engine on this store, then remove the row "lease" of the collection "meta".',
    {
      cause: entry.corrupt,
    },
  )
}

/** The number that counts edits by users and followers; 0 before the first. */
export function readEdits(entry: Entry | undefined): number {
  const value = entry?.value
  return isRecord(value) && typeof value['rev'] === 'number' ? value['rev'] : 0
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isOperationRow(value: unknown): value is OperationRow {
  return (
    isRecord(value) &&
    typeof value['seq'] === 'number' &&
    typeof value['id'] === 'string' &&
    isCounter(value['rev']) &&
    STATUSES.has(value['status']) &&
    typeof value['user'] === 'string' &&
    typeof value['type'] === 'string' &&
    typeof value['entity'] === 'string' &&
    typeof value['entityId'] === 'string' &&
    typeof value['idempotencyKey'] === 'string' &&
    WEIGHTS.has(value['priority']) &&
    typeof value['enqueuedAt'] === 'number' &&
    isCounter(value['attempts']) &&
    Number.isSafeInteger(value['unknownAttempts']) &&
    isCounter(value['reconciliations']) &&
    isOptional(value['lane'], 'string') &&
    isOptional(value['supersededBy'], 'string') &&
    isOptional(value['notBefore'], 'number') &&
    isOptional(value['dueAt'], 'number') &&
    isOptional(value['finishedAt'], 'number') &&
    isOptional(value['shape'], 'number') &&
    value['payload'] !== undefined &&
    (value['dependsOn'] === undefined || isTexts(value['dependsOn'])) &&
    (value['transaction'] === undefined || isPart(value['transaction'])) &&
    (value['request'] === undefined || isPreparedRequest(value['request']))
  )
}

/** What stands beside it is looked for by these numbers. */
function isPart(value: unknown): boolean {
  if (!isRecord(value) || typeof value['id'] !== 'string') return false
  const { place, size } = value
  return isCounter(place) && isCounter(size) && place < size && size <= MAX_MEMBERS
}

export function isEntityRow(value: unknown): value is EntityRow {
  return (
    isRecord(value) &&
    typeof value['key'] === 'string' &&
    ['version', 'movedTo'].every((field) => isOptional(value[field], 'string')) &&
    isOptional(value['shape'], 'number') &&
    (value['scopes'] === undefined || isRecord(value['scopes'])) &&
    (value['earlier'] === undefined || (Array.isArray(value['earlier']) && value['earlier'].every(isEarlierBase)))
  )
}

function isEarlierBase(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value['upTo'] === 'number' &&
    isOptional(value['version'], 'string') &&
    isOptional(value['shape'], 'number')
  )
}

export function isPreparedRequest(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value['method'] === 'string' &&
    typeof value['path'] === 'string' &&
    isRecord(value['headers']) &&
    (value['body'] === null || typeof value['body'] === 'string')
  )
}

export function isLeaseRow(value: unknown): value is LeaseRow {
  return (
    isRecord(value) &&
    typeof value['owner'] === 'string' &&
    isCounter(value['epoch']) &&
    isCounter(value['beat']) &&
    isCounter(value['rev'])
  )
}

function isOptional(value: unknown, type: 'string' | 'number'): boolean {
  return value === undefined || typeof value === type
}
