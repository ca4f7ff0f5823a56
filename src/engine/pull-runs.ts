import { SyncError } from '../core/errors.ts'
import type { Pulled } from '../core/ports.ts'

type Page = Extract<Pulled, { type: 'page' }>

/** Pages in one run: more than any server has. */
const LONGEST_RUN = 100_000

/** The cursors that the present run of each pull, by its name, has had: a server that gives one again would be asked for ever (L8). */
export function createPullRuns() {
  const runs = new Map<string, Set<string>>()
  const requests = new Map<string, number>()

  function loopIn(
    name: string,
    entity: string,
    before: string | undefined,
    { cursor, hasMore, changes, unusable }: Page,
  ): SyncError | undefined {
    const had = runs.get(name) ?? new Set()
    if (before !== undefined) had.add(before)
    runs.set(name, had)
    const isEmpty = changes.length + unusable.length === 0
    if (!hasMore || (!isEmpty && !had.has(cursor) && had.size < LONGEST_RUN)) return undefined
    runs.delete(name)
    return looping(entity, isEmpty ? 'an empty page' : 'a cursor that it gave before')
  }

  return {
    /** Whether one begins now. */
    begin(name: string): boolean {
      if (runs.has(name)) return false
      runs.set(name, new Set())
      return true
    },
    isUnderWay: (name: string): boolean => runs.has(name),
    loopIn,
    end: (name: string): void => void runs.delete(name),
    /** From the beginning; `request` is the newest that was there by then. */
    beginAnew(name: string, request: number): void {
      runs.delete(name)
      requests.set(name, request)
    },
    /** The newest request that the last pull from the beginning meets; undefined where another owner began it. */
    begunWith: (name: string): number | undefined => requests.get(name),
  }
}

function looping(entity: string, what: string): SyncError {
  const message = `The server sends ${what}, and says that there is more. Mend its list of changes of ${entity}; it is asked again later.`
  return new SyncError('pull-loop', message, { retryable: true })
}
