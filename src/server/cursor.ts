import { Refusal } from './problems.ts'

/** Where a client stands in the changes of an entity. */
export interface Position {
  /** It has every change up to this version. */
  readonly after: number
  /** No change up to this version can be missing in what it has: while a first pull goes from page to page, the version at which it began. */
  readonly completeAt: number
}

/** Opaque for clients: bound to one database and entity. */
export function writeCursor({ after, completeAt }: Position, databaseId: string, entity: string): string {
  return Buffer.from(`1 ${databaseId} ${entity} ${after} ${completeAt}`).toString('base64url')
}

/** @throws Refusal 400 if it is no cursor of this entity, 410 if it is one of another database. */
export function readCursor(cursor: string, databaseId: string, entity: string): Position {
  const text = cursor.length <= 512 ? Buffer.from(cursor, 'base64url').toString() : ''
  const found = /^1 ([\w-]+) ([\w-]+) (\d{1,15}) (\d{1,15})$/.exec(text)
  if (found === null || found[2] !== entity || Buffer.from(text).toString('base64url') !== cursor) {
    throw new Refusal('invalid-cursor', 'Send a cursor as an earlier page of this entity gave it, or none.')
  }
  if (found[1] !== databaseId)
    throw new Refusal('cursor-expired', 'The cursor is of another database. Pull again without a cursor.')
  return { after: Number(found[3]), completeAt: Number(found[4]) }
}
