import type { SyncError, ValidationIssue } from './errors.ts'
import { contentHash } from './hash.ts'
import type { Json } from './json.ts'
import type { PreparedRequest } from './ports.ts'

export const LIVE_STATUSES = ['queued', 'waiting', 'sending', 'reconciling', 'rollingBack', 'parked'] as const
export const TERMINAL_STATUSES = ['done', 'rejected', 'cancelled', 'superseded'] as const
export type LiveStatus = (typeof LIVE_STATUSES)[number]
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number]
export type OperationStatus = LiveStatus | TerminalStatus

export const PRIORITIES = ['critical', 'high', 'medium', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]

/** An error as a row keeps it: without stack, without secrets. */
export interface StoredError {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly status?: number
}

/** A field that both sides changed: the value that was sent and the one it replaced, so that neither is lost. */
export interface FieldConflict {
  /** Path of the field, as `address.street`. */
  readonly path: string
  readonly base?: Json
  readonly local?: Json
  readonly remote?: Json
  /** The rule of this very field that decided, or left it to a person. */
  readonly rule?: string
}

/** Why an operation waits for a decision, or what an automatic one replaced. */
export interface ConflictRecord {
  /** `version`: of an action of the application only the server knows what it changes; the entity has another version. */
  readonly type: 'update-update' | 'update-delete' | 'delete-update' | 'create-create' | 'version'
  /** Its row in the inbox. */
  readonly id?: string
  readonly severity?: 'low' | 'medium' | 'high'
  /** Who decides: the strategy of the entity, `function`, `fields` where the rules of fields did, `person`; `schema` where what there would be to send or to merge with fails that. */
  readonly strategy?: string
  /** What the schema of the entity has against it, where that left it to a person. */
  readonly issues?: readonly ValidationIssue[]
  readonly resolution?: ConflictResolution
  readonly detectedAt?: number
  readonly fields: readonly FieldConflict[]
  /** The server's value at the time; absent if the entity was gone. */
  readonly remote?: Json
  readonly remoteVersion?: string
}

/** `pending` waits for a person. `merged` took something of each side, `value` is another one, `discarded` gave the operation up. */
export type ConflictResolution = 'pending' | 'local' | 'remote' | 'merged' | 'value' | 'discarded'

/** Most operations in one transaction: they are looked at, and sent, together. */
export const MAX_MEMBERS = 100

/** The place of an operation in a transaction. Its members stand one after the other in the store, each on an entity of its own. */
export interface TransactionPart {
  readonly id: string
  /** From 0. */
  readonly place: number
  readonly size: number
  /** How it is sent, from the first attempt on: in one atomic request, or one member after the other. */
  readonly sent?: 'together' | 'oneByOne'
  /** The server has all of it already: it is left out of the request. */
  readonly isMet?: true
}

/** What a row holds that this build can't use: it is neither shown nor changed, and written back as it was. Of the row in memory alone. */
export interface SetAside<Held> {
  /** `newer`: written by a newer build of the application. `failed`: it can't be brought to the version of this one. */
  readonly why: 'newer' | 'failed'
  /** The version of the application that it is of. */
  readonly shape: number
  /** What to do about it. */
  readonly error: SyncError
  readonly held: Held
}

/** What it does is known here, too. */
export function isMutation(type: string): boolean {
  return type === 'create' || type === 'update' || type === 'replace' || type === 'delete'
}

/** What takes an operation back on the server. */
export interface Undo {
  readonly type: string
  readonly payload: Json
  /** Worked out here from what the operation was made on, and not said by the application. */
  readonly isReckoned?: true
  /** What the server confirmed of the fields that it sets back: what is another by then was changed since. */
  readonly confirmed?: Json
}

/**
 * An operation as it is stored: self-contained, and the only truth about it. Fields that serve an index exist only while the
 * row belongs into it.
 */
export interface OperationRow {
  /** Order of acceptance, assigned by the store. */
  readonly seq: number
  readonly id: string
  /** Grows with each write of the row; concurrent writers compare it. */
  readonly rev: number
  readonly user: string
  readonly type: string
  readonly entity: string
  readonly entityId: string
  readonly payload: Json
  readonly status: OperationStatus
  readonly priority: Priority
  readonly idempotencyKey: string
  readonly enqueuedAt: number
  /** Requests that left, or may have left, for this operation; those before somebody decided to go on count as one. */
  readonly attempts: number
  /** Those of the present request whose outcome is unknown. */
  readonly unknownAttempts: number
  /** An attempt with this content may have been applied, though a later one was refused: a server may forget its keys. */
  readonly wasInDoubt?: true
  /** Definite refusals that were reconciled; each made a new request with a derived key. */
  readonly reconciliations: number
  /** How many of them there were when a person last decided how to go on; the limit counts from there. */
  readonly reconciledBefore?: number
  /** The previous delay, for decorrelated backoff. */
  readonly backoffMs?: number
  /** The request as first sent; every later attempt sends the same bytes. */
  readonly request?: PreparedRequest
  readonly baseVersion?: string
  readonly base?: Json
  readonly dependsOn?: readonly string[]
  /** Its first attempt is not made before this time. */
  readonly notBefore?: number
  /** Another operation depends on it, or may: nothing is merged into it nor it into another. */
  readonly depended?: 1
  /** When it was enqueued by the hybrid logical clock, where its entity uses `lastWriteWins`. */
  readonly hlc?: string
  /** Groups operations that commit and roll back together for the application. */
  readonly token?: string
  readonly transaction?: TransactionPart
  /** What takes it back, where it is sent alone and a later member of its transaction may still be refused. */
  readonly undo?: Undo
  /** It deletes what a create in doubt may have made (`base`): whether any of that is there is looked at before its first request. */
  readonly looksFirst?: true
  readonly lastError?: StoredError
  readonly conflict?: ConflictRecord
  readonly supersededBy?: string
  /** A dead letter that was seen to: no longer listed. */
  readonly dismissed?: 1
  /** Fingerprint of the content, kept where the application chose the idempotency key. */
  readonly contentHash?: string
  /** The version of its entity in the application that payload, base and what was in conflict have the shape of; absent: 1. */
  readonly shape?: number
  /** Then the payload is null, and base, undo and the remote side of its conflict are absent. */
  readonly aside?: SetAside<HeldByOperation>

  /** Index `lane` (live rows): the operations of one user on one entity, in order. */
  readonly lane?: string
  /** Index `rank` (queued rows): the instant by which its turn comes; priority is a head start. */
  readonly rank?: number
  /** Index `due` (waiting rows and those in play): when to look at it again. 0 = now; see IN_PLAY and NEVER_DUE. */
  readonly dueAt?: number
  /** Index `finished` (terminal rows). */
  readonly finishedAt?: number
  /** Unique index: user and idempotency key, where the application chose it. */
  readonly chosenKey?: string
  /** Unique index while queued, with the user: equal intents share one operation. */
  readonly dedupeKey?: string
}

/** All of an operation that has the shape of a version of the application. */
export interface HeldByOperation {
  readonly payload: Json
  readonly base?: Json
  readonly undo?: Undo
  /** The server's value that it was in conflict with. */
  readonly remote?: Json
}

/** A row before the store has given it its place in the order. */
export type NewOperationRow = Omit<OperationRow, 'seq'>

export function isTerminal(status: OperationStatus): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly OperationStatus[]).includes(status)
}

/** It waits for its own time, or that has come: it was never sent. */
export function isScheduled({ status, notBefore, attempts }: OperationRow): boolean {
  return status === 'waiting' && notBefore !== undefined && attempts === 0
}

/** No request of it was ever made: it is bound to what it depends on, also where it waited for a decision before its turn. */
export function isUnsent({ status, attempts, request }: OperationRow): boolean {
  return status === 'queued' || ((status === 'waiting' || status === 'parked') && attempts === 0 && request === undefined)
}

/** It was sent, and may have been applied. */
export function isInDoubt({ unknownAttempts }: OperationRow): boolean {
  return unknownAttempts > 0
}

/** From when on it could have been sent. */
export function sendableAt({ enqueuedAt, notBefore = 0 }: OperationRow): number {
  return Math.max(enqueuedAt, notBefore)
}

/** So many characters servers take. */
const LONGEST_KEY = 255

/** The key on the wire: derived after each definite refusal, for a server may keep and replay a refusal. Of one that leaves no room for that, its hash stands for it. */
export function wireKey(row: Pick<OperationRow, 'idempotencyKey' | 'reconciliations'>): string {
  return row.reconciliations === 0 ? row.idempotencyKey : derivedKey(row.idempotencyKey, `.${row.reconciliations}`)
}

function derivedKey(key: string, end: string): string {
  return `${key.length + end.length > LONGEST_KEY ? contentHash(key) : key}${end}`
}

/** A key that the application chose, as the store's unique indexes hold it: each user has keys of their own. */
export function keyOfUser(user: string, key: string): string {
  return `${encodeURIComponent(user)}/${key}`
}

/** The user of what was encoded for a name or a key; undefined if nobody can have encoded it. */
export function decodedUser(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

export function laneOf(user: string, entity: string, entityId: string): string {
  return `${encodeURIComponent(user)}/${entity}/${entityId}`
}
