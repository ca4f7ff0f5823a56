import type { Json } from '../../src/core/json.ts'
import type { Change } from '../../src/core/ports.ts'

/** One state that an entity had on the server. */
export interface Version {
  readonly id: string
  /** Counts the versions of this entity. */
  readonly index: number
  readonly version: string
  /** Absent: deleted. */
  readonly value?: Json
  /** Where it stands in the list of all changes. */
  readonly position: number
}

export type Scheme = 'numbers' | 'opaque'

/** A server with a list of changes, of which a client sees the newest of each entity. */
export function modelServer(scheme: Scheme) {
  const histories = new Map<string, Version[]>()
  let end = 0
  /** Up to here no copy lags behind. */
  let shared = 0

  function head(id: string): Version | undefined {
    return histories.get(id)?.at(-1)
  }

  return {
    head,
    end: () => end,
    history: (id: string): readonly Version[] => histories.get(id) ?? [],
    ids: (): readonly string[] => [...histories.keys()],
    write(id: string, value: Json | undefined): Version {
      const index = histories.get(id)?.length ?? 0
      const version = scheme === 'numbers' ? String(index + 9) : `${id}-${((index + 1) * 7_919) % 1_000}x`
      const made: Version = { id, index, version, position: ++end, ...(value === undefined ? {} : { value }) }
      histories.set(id, [...(histories.get(id) ?? []), made])
      return made
    },
    /** A delete whose answer names no version: of a page of a copy that does not know of it nobody could tell that it is older. */
    share(position: number): void {
      shared = Math.max(shared, position)
    },
    /**
     * What has changed after a position; of what was deleted before `begunAt` nothing is known any more. It comes from a copy that lags behind by so many
     * changes, but not so far that it lacks what the client has pulled.
     */
    page(after: number, begunAt: number, limit: number, lag: number) {
      const asOf = Math.max(after, begunAt, shared, end - lag)
      const all = [...histories.values()]
        .flatMap((history) => history.findLast(({ position }) => position <= asOf) ?? [])
        .filter(({ position, value }) => position > after && (value !== undefined || position > begunAt))
        .toSorted((a, b) => a.position - b.position)
      const versions = all.slice(0, limit)
      const hasMore = all.length > limit
      return { versions, hasMore, cursor: hasMore ? (versions.at(-1)?.position ?? after) : asOf }
    },
  }
}

export function changeOf({ id, version, value }: Version): Change {
  return value === undefined ? { id, version, deleted: true } : { id, version, value: value as never }
}
