import { AUDIT, AUDIT_COLLECTION } from './audit-collection.ts'
import type { EarlierBase } from './earlier.ts'
import type { Json } from './json.ts'
import type { OperationRow, SetAside } from './operation.ts'
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
  /** The version that it was reckoned from, where others have made more of what `version` is. */
  readonly reckonedFrom?: string
  /** A tombstone, kept for some time so that an older change does not bring the entity back. Milliseconds since 1970; index `deleted`. */
  readonly deletedAt?: number
  /** Grows with each change of the replica, by which other tabs find what is new. Unique. */
  readonly rev?: number
  /** Under this id the entity was created; the server gave it another one, where its row is (B8). There is no value here. */
  readonly movedTo?: string
  /** The pull from the beginning that last met it. Where only parts are followed: the newest that had begun when this was learned. */
  readonly generation?: number
  /**
   * The pull from the beginning that was under way when an answer to what had been sent before it brought this: no page of it, which may be older,
   * takes its place, though at its end it may be gone.
   */
  readonly answeredIn?: number
  /** Where only parts are followed: those that hold it, each with the generation of its pull that last met it. */
  readonly scopes?: Readonly<Record<string, number>>
  /** What operations that are not sent yet were made on, where a pull has replaced it since. */
  readonly earlier?: readonly EarlierBase[]
  /** The version of its entity in the application that the value has the shape of; absent: 1. */
  readonly shape?: number
  /** Then there is no value. */
  readonly aside?: SetAside<Json>
}

/** It can go on being counted. */
export function isCounter(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 52
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
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
    ['version', 'reckonedFrom', 'movedTo'].every((field) => isOptional(value[field], 'string')) &&
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

export function isOptional(value: unknown, type: 'string' | 'number'): boolean {
  return value === undefined || typeof value === type
}
