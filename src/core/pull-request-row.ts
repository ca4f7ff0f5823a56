import type { Entry } from './ports.ts'
import { isCounter, isRecord } from './schema.ts'
import { valueOf } from './sealed.ts'

/** Pulls that a tab wants which does not own the lease. A row of `meta`. */
export interface PullRequestRow {
  readonly name: string
  /** Counts the requests. */
  readonly rev: number
  /** The newest ones. */
  readonly requests: readonly { readonly rev: number; readonly entities: readonly string[]; readonly full: boolean }[]
}

export function pullRequestsName(user: string): string {
  return `pulls-wanted/${encodeURIComponent(user)}`
}

export function readPullRequests(entry: Entry | undefined): PullRequestRow | undefined {
  const value = valueOf(entry)
  return isPullRequestRow(value) ? value : undefined
}

function isPullRequestRow(value: unknown): value is PullRequestRow {
  if (!isRecord(value) || !isCounter(value['rev']) || !Array.isArray(value['requests'])) return false
  return value['requests'].every(
    (request: unknown) => isRecord(request) && isCounter(request['rev']) && Array.isArray(request['entities']),
  )
}
