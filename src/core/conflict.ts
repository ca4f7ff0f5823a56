import type { ActionEffects } from './derive.ts'
import type { Json, JsonObject } from './json.ts'
import type { Migrations } from './migrate.ts'
import type { ConflictRecord, FieldConflict } from './operation.ts'
import type { EntityInvariants } from './invariants.ts'
import type { References } from './references.ts'
import type { StandardSchema } from './standard-schema.ts'

/**
 * What to do with a true conflict. `merge` keeps what only one side changed and takes the local value where both did; `lastWriteWins` does
 * so too, but where both did it takes the value of the later write.
 */
export type ConflictStrategy = 'localWins' | 'remoteWins' | 'lastWriteWins' | 'merge' | 'manual' | ConflictResolver

/** Decides one conflict. A promise is awaited; if it throws, rejects or does not end, the operation is parked. */
export type ConflictResolver = (conflict: Conflict) => Resolution | Promise<Resolution>

/** `local` and `remote` take one side, `manual` parks the operation, `value` is what the whole entity should be. */
export type Resolution = 'local' | 'remote' | 'manual' | { readonly value: JsonObject }

export interface Conflict {
  readonly operationId: string
  readonly entity: string
  readonly entityId: string
  readonly type: ConflictRecord['type']
  readonly severity: Severity
  /** The server's value that the operation was made on, if it is known. */
  readonly base: Json | undefined
  /** What the operation wants the entity to be; undefined for a delete. */
  readonly local: Json | undefined
  /** What the server has; undefined if the entity is gone. */
  readonly remote: JsonObject | undefined
  readonly remoteVersion: string | undefined
  /** Fields that both sides changed. */
  readonly fields: readonly FieldConflict[]
  /** Local and remote merged by field; where both changed, what the field's rule makes of it, else the local value. */
  readonly merged: Json | undefined
}

export type Severity = 'low' | 'medium' | 'high'

/**
 * What a field becomes that both sides changed. `set` merges arrays as sets, of scalars or, as `{ set: 'id' }`, of objects with that key;
 * `manual` leaves the whole conflict to a person.
 */
export type FieldRule = 'localWins' | 'remoteWins' | 'manual' | 'set' | { readonly set: string } | FieldMerger

/** Merges one field. Undefined: it can't, and the strategy of the entity decides. If it throws, the operation is parked. */
export type FieldMerger = (field: FieldConflict) => Json | undefined

export interface EntityOptions {
  /** What to do when both sides changed the same. Default `merge`. */
  readonly conflict?: ConflictStrategy | undefined
  /** Rules for single fields, by path as `address.street`. A field with a rule is taken as a whole. */
  readonly fields?: Readonly<Record<string, FieldRule>> | undefined
  /** The field of the server's value that holds its vector clock. */
  readonly vectorClock?: string | undefined
  /**
   * For `lastWriteWins`: the field of the server's value that says when it was last written, as an HLC, an ISO date or milliseconds. Default
   * `updatedAt`. With `write: true` the engine puts its own HLC there with every create, update and replace.
   */
  readonly stamp?: string | { readonly field: string; readonly write: true } | undefined
  /** By type of operation of your own: what it does to the entity, to be shown before the server has answered. Default: nothing. */
  readonly actions?: ActionEffects | undefined
  /**
   * Only these parts of it are pulled, in this order, each with a cursor of its own: `['project:p1']`, a field and its value. `[]` pulls nothing.
   * `engine.scopes.set` changes it while the application runs, and from then on what was set counts. Default: all of it is pulled.
   */
  readonly scopes?: readonly string[] | undefined
  /**
   * What a whole entity must be, with its `id`: a schema of zod, valibot, arktype or any library that implements Standard Schema. What does not pass
   * is not enqueued, nor taken from the server. Values are checked, never transformed.
   */
  readonly schema?: StandardSchema | undefined
  /** By type of operation, what its payload must be: for types of your own, and of `update` the patch. */
  readonly payloads?: Readonly<Record<string, StandardSchema>> | undefined
  /**
   * Fields that hold the id of another entity, or an array of ids, by path: `{ noteId: 'note', 'meta.parents': 'note' }`. An operation whose payload
   * names there what is yet to be created on the server waits for that, as if `dependsOn` named its create.
   */
  readonly references?: References | undefined
  /** Fields that no entry of the audit tells of, by path as `address.street`, with all that is below them; in an array, of each of its items. */
  readonly unaudited?: readonly string[] | undefined
  /** Which shape payloads and values have in this build of the application: a whole number from 1 (default) on, one more with each change of it. */
  readonly version?: number | undefined
  /**
   * By version, what brings rows that an older build has stored from the version before to that one: `{ 2: { payload, value } }`. From the first one named up to
   * `version` none may be missing. What fails is set aside and told of; nothing is lost.
   */
  readonly migrations?: Migrations | undefined
  /** What must hold of each, or of all together: for `check()`. */
  readonly invariants?: EntityInvariants | undefined
  /**
   * `server`: what is created gets its id by the server's answer; the application's own is a temporary one, for which that stands from then on.
   * Default `client`: what the application says is the id.
   */
  readonly ids?: 'client' | 'server' | undefined
}
