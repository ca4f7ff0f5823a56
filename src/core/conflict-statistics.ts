import type { ConflictRow } from './conflict-row.ts'
import { setOwn } from './own.ts'
import { isRecord } from './schema.ts'

/** How many conflicts there were, those that were forgotten included. */
export interface ConflictStatistics {
  readonly total: number
  readonly byType: Counts
  readonly bySeverity: Counts
  readonly byStrategy: Counts
  readonly byEntity: Counts
  readonly byResolution: Counts
}

type Counts = Readonly<Record<string, number>>

const PARTS = {
  byType: 'type',
  bySeverity: 'severity',
  byStrategy: 'strategy',
  byEntity: 'entity',
  byResolution: 'resolution',
} as const

export const NO_CONFLICTS: ConflictStatistics = {
  total: 0,
  byType: {},
  bySeverity: {},
  byStrategy: {},
  byEntity: {},
  byResolution: {},
}

export function withConflicts(statistics: ConflictStatistics, rows: readonly ConflictRow[]): ConflictStatistics {
  const counted = (part: keyof typeof PARTS): Counts => {
    const counts: Record<string, number> = { ...statistics[part] }
    for (const row of rows) {
      const name = row[PARTS[part]]
      setOwn(counts, name, (Object.hasOwn(counts, name) ? Number(counts[name]) : 0) + 1)
    }
    return counts
  }
  return {
    total: statistics.total + rows.length,
    byType: counted('byType'),
    bySeverity: counted('bySeverity'),
    byStrategy: counted('byStrategy'),
    byEntity: counted('byEntity'),
    byResolution: counted('byResolution'),
  }
}

/** What can't be read counts nothing. */
export function readStatistics(value: unknown): ConflictStatistics {
  if (!isRecord(value) || typeof value['total'] !== 'number') return NO_CONFLICTS
  const counts = (part: string): Counts => {
    const stored = value[part]
    return isRecord(stored)
      ? Object.fromEntries(Object.entries(stored).filter((pair): pair is [string, number] => typeof pair[1] === 'number'))
      : {}
  }
  return {
    total: value['total'],
    byType: counts('byType'),
    bySeverity: counts('bySeverity'),
    byStrategy: counts('byStrategy'),
    byEntity: counts('byEntity'),
    byResolution: counts('byResolution'),
  }
}
