import { createHash } from 'node:crypto'
import { Refusal } from './problems.ts'

/** Where a client stands in the changes of an entity. */
export interface Position {
  /** It has every change up to this version. */
  readonly after: number
  /** No change up to this version can be missing in what it has: while a first pull goes from page to page, the version at which it began. */
  readonly completeAt: number
}

/** What a cursor is bound to. */
export interface Bound {
  readonly databaseId: string
  readonly entity: string
  /** The part of it; undefined for all. */
  readonly scope: string | undefined
}

/** Opaque for clients: bound to one database, entity and scope. */
export function writeCursor({ after, completeAt }: Position, { databaseId, entity, scope }: Bound): string {
  return Buffer.from(`1 ${databaseId} ${entity} ${after} ${completeAt}${suffixOf(scope)}`).toString('base64url')
}

/** @throws Refusal 400 if it is no cursor of this entity and scope, 410 if it is one of another database. */
export function readCursor(cursor: string, { databaseId, entity, scope }: Bound): Position {
  const text = cursor.length <= 512 ? Buffer.from(cursor, 'base64url').toString() : ''
  const found = /^1 ([\w-]+) ([\w-]+) (\d{1,15}) (\d{1,15})( [\w-]+)?$/.exec(text)
  const isBound = found?.[2] === entity && (found[5] ?? '') === suffixOf(scope)
  if (found === null || !isBound || Buffer.from(text).toString('base64url') !== cursor) {
    throw new Refusal('invalid-cursor', 'Send a cursor as an earlier page of this entity and scope gave it, or none.')
  }
  if (found[1] !== databaseId)
    throw new Refusal('cursor-expired', 'The cursor is of another database. Pull again without a cursor.')
  return { after: Number(found[3]), completeAt: Number(found[4]) }
}

/** Scopes may be long: their hash will do. */
function suffixOf(scope: string | undefined): string {
  return scope === undefined ? '' : ` ${createHash('sha256').update(scope).digest('base64url')}`
}
