import type { OperationRow } from '../../core/operation.ts'
import type { RowChange } from '../world/facts.ts'
import type { Picture } from './invariant.ts'

type DueAt = (row: OperationRow) => number | undefined

/** The wall clocks of devices as they are set; one that a checker looks at, at each of its commits. */
export function watchClocks({ register, now, wallTimeOf }: Pick<Picture, 'register' | 'now' | 'wallTimeOf'>) {
  /** By how much each was ahead when it was looked at last. */
  const leads = new Map<string, number>()
  /** What was due before the clock was set back: it may have been chosen then. */
  const wasDue = new Set<string>()

  return {
    /** The latest that it can have shown since it was looked at last. */
    latest(device: string): number {
      const lead = wallTimeOf(device) - now()
      const before = leads.get(device) ?? lead
      leads.set(device, lead)
      if (lead >= before) return now() + lead
      for (const { id, device: home, row } of register.all())
        if (home === device && row.status === 'waiting' && (row.dueAt ?? 0) <= now() + before) wasDue.add(id)
      return now() + before
    },
    isWatched: (device: string): boolean => leads.has(device),
    /** Whether it was claimed before it was due, by all that the clock has shown; `latest` is what it can have shown at most. To be asked of every change. */
    isEarly({ before, row }: RowChange, latest: number, dueAt: DueAt = ({ dueAt: at }) => at): boolean {
      const mayHaveBeenChosen = row !== undefined && wasDue.delete(row.id)
      if (before?.status !== 'waiting' || row?.status !== 'sending') return false
      return !mayHaveBeenChosen && (dueAt(before) ?? 0) > latest
    },
  }
}
