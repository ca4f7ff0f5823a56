import { ValidationError } from '../../core/errors.ts'
import { LONGEST_TIMER_MS } from '../../core/longest-timer.ts'
import { isRow } from '../rows.ts'

export interface SqliteStorageOptions {
  /** The database file. It is created if it does not exist; its folder is not. */
  readonly path: string
  /** How long a commit waits for other processes that write. Default 5,000. */
  readonly busyTimeoutMs?: number
  /** How often the file is looked at for commits of others, while somebody watches: below 2^31. Default 100. */
  readonly watchMs?: number
  /** How large the database may grow; a commit beyond it fails with `StorageQuotaError`. Default: as large as the disk allows. */
  readonly maxBytes?: number
}

export interface CheckedOptions {
  readonly path: string
  readonly busyTimeoutMs: number
  readonly watchMs: number
  readonly maxBytes: number | undefined
}

function checkPath(path: unknown): string {
  if (typeof path !== 'string' || path === '') throw new ValidationError('path', 'must be the path of a file.')
  if (path === ':memory:') throw new ValidationError('path', 'must be a file. For a store in memory use memoryStorage().')
  if (/^[a-z][a-z+.-]+:\/\//i.test(path)) throw new ValidationError('path', 'must be the path of a file, not a URL.')
  if (path.includes('\0')) throw new ValidationError('path', 'must not hold a NUL character.')
  return path
}

function checkAtLeast(name: string, value: unknown, least: number, most = Number.MAX_VALUE): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new ValidationError(
    name,
    `must be a number of at least ${least}${most < Number.MAX_VALUE ? `, and at most ${most}` : ''}.`,
  )
}

export function checkOptions(options: SqliteStorageOptions): CheckedOptions {
  if (!isRow(options)) throw new ValidationError('options', "must be an object, as { path: 'notes.db' }.")
  const { path, busyTimeoutMs = 5000, watchMs = 100, maxBytes } = options
  return {
    path: checkPath(path),
    busyTimeoutMs: checkAtLeast('busyTimeoutMs', busyTimeoutMs, 0),
    watchMs: checkAtLeast('watchMs', watchMs, 1, LONGEST_TIMER_MS),
    maxBytes: maxBytes === undefined ? undefined : checkAtLeast('maxBytes', maxBytes, 1),
  }
}
