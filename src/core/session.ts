import { contentHash } from './hash.ts'
import { StorageCorruptError } from './errors.ts'
import type { Entry } from './ports.ts'
import { isCounter, isRecord } from './schema.ts'
import { valueOf } from './sealed.ts'

/** Up to when a user's engines on a store may write. A row of `meta`, made by the first log-out; it stays, so that a tab that slept through that is known. */
export interface SessionRow {
  readonly name: string
  /** Counts the changes. */
  readonly rev: number
  /** Counts the log-outs. What was opened before the last of them writes nothing any more. */
  readonly epoch: number
  /** `asked`: somebody looks whether anything is pending, and a write by anybody calls that off. `wiping`: all that is of the user is being removed. */
  readonly stage?: 'asked' | 'wiping'
}

/** Does not hold the name of the user: it is what is left of him. */
export function sessionName(user: string): string {
  return `session/${contentHash(user)}`
}

/** @throws StorageCorruptError where it can't be read: then it is not known who may write. */
export function readSession(entry: Entry | undefined): SessionRow | undefined {
  if (entry === undefined) return undefined
  const value = valueOf(entry)
  if (isSessionRow(value)) return value
  throw new StorageCorruptError(
    `The record of log-outs can not be read. Stop every engine on this store, then remove the row ${JSON.stringify(entry.key)} of the collection "meta".`,
    { cause: entry.corrupt },
  )
}

function isSessionRow(value: unknown): value is SessionRow {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    isCounter(value['rev']) &&
    isCounter(value['epoch']) &&
    (value['stage'] === undefined || value['stage'] === 'asked' || value['stage'] === 'wiping')
  )
}
