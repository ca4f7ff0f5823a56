import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  StorageBlockedError,
  StorageConflictError,
  StorageCorruptError,
  StorageError,
  StorageQuotaError,
  StorageReadOnlyError,
  StorageUnavailableError,
  ValidationError,
} from '../../core/errors.ts'

/** SQLite's result codes, https://sqlite.org/rescode.html */
const primary = {
  perm: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  protocol: 15,
  constraint: 19,
  notADatabase: 26,
}
const extended = { readOnlyDbMoved: 1032, primaryKey: 1555, unique: 2067 }

/** The extended result code: `rawCode` of libsql, `errcode` of node:sqlite. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if ('rawCode' in error && typeof error.rawCode === 'number') return error.rawCode
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode
  return undefined
}

export function isUniqueViolation(error: unknown): boolean {
  const code = resultCode(error)
  return code === extended.unique || code === extended.primaryKey
}

/** An error of the library, or of ours, as the error that callers of the store get. */
export function storageError(error: unknown): Error {
  if (error instanceof StorageError || error instanceof ValidationError) return error
  const cause = { cause: error }
  const code = resultCode(error)
  if (isUniqueViolation(error)) return new StorageConflictError('Another row already has this unique value.', cause)
  if (code === extended.readOnlyDbMoved) {
    return new StorageUnavailableError(
      'The database file was moved or deleted while it was open. Put it back, or close and open the store.',
      cause,
    )
  }
  switch (code === undefined ? undefined : code & 0xff) {
    case primary.full:
      return new StorageQuotaError(cause)
    case primary.perm:
    case primary.readOnly:
      return new StorageReadOnlyError(cause)
    case primary.busy:
    case primary.locked:
    case primary.protocol:
      return new StorageBlockedError('Another process is writing to the database and did not finish in time. Try again.', cause)
    case primary.corrupt:
      return new StorageCorruptError(
        'The database file is damaged. Restore it from a backup, or salvage it with ".recover" of the sqlite3 shell.',
        cause,
      )
    case primary.notADatabase:
      return new StorageCorruptError('The file is not an SQLite database. Choose another path; nothing was touched.', cause)
    default:
      return new StorageUnavailableError('SQLite failed; nothing was written. The cause says why; try again.', cause)
  }
}

function errnoOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return isErrno(error) ? error.code : 'unknown'
  }
}

function isErrno(error: unknown): error is { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

const notPermitted = ['EACCES', 'EPERM', 'EROFS']

/** Refuses a file that may not be written before SQLite touches it: it would leave its log beside it. */
export function checkWritable(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
  } catch (error) {
    if (isErrno(error) && notPermitted.includes(error.code)) throw new StorageReadOnlyError({ cause: error })
  }
}

/** Why a file can't be opened: SQLite says only that it can't, so the file system is asked. */
export function openError(error: unknown, path: string): Error {
  const code = resultCode(error)
  if (error instanceof StorageError || error instanceof ValidationError) return error
  if (code !== undefined && (code & 0xff) !== primary.cantOpen) return storageError(error)
  const cause = { cause: error }
  const folder = dirname(path)
  if (errnoOf(() => statSync(folder)) === 'ENOENT') {
    return new StorageUnavailableError(`The folder ${folder} does not exist. Create it, or choose another path.`, cause)
  }
  if (errnoOf(() => statSync(path)) === undefined && statSync(path).isDirectory()) {
    return new StorageUnavailableError(`${path} is a folder. Name a file in it.`, cause)
  }
  const refusals = [folder, path].map((at) => errnoOf(() => accessSync(at, constants.R_OK | constants.W_OK)))
  if (refusals.some((refusal) => refusal !== undefined && notPermitted.includes(refusal))) return new StorageReadOnlyError(cause)
  return new StorageUnavailableError(`${path} could not be opened as a database. The cause says why.`, cause)
}
