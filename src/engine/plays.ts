import type { Choice } from './chooser.ts'

/** The turn of what is due: before whatever is queued. */
export const DUE_RANK = 0

interface Play {
  readonly sequence: number | undefined
  /** The turn of what is known to wait behind it. */
  nextRank: number | undefined
}

/** The lanes in play: of each, one operation is claimed or on its way, and nothing overtakes it. */
export function createPlays() {
  const lanes = new Map<string, Play>()

  /** Something waits in the lane, unless it is what plays there. False if the lane is not in play. */
  function note(lane: string, rank: number | undefined, sequence?: number): boolean {
    const play = lanes.get(lane)
    if (play === undefined) return false
    const isItself = sequence !== undefined && play.sequence === sequence
    if (rank !== undefined && !isItself && rank < (play.nextRank ?? Infinity)) play.nextRank = rank
    return true
  }

  return {
    note,
    enter: ({ lane, row, nextRank }: Choice): void => void lanes.set(lane, { sequence: row?.seq, nextRank }),
    /** Returns the turn of what waits in the lane. */
    leave(lane: string): number | undefined {
      const play = lanes.get(lane)
      lanes.delete(lane)
      return play?.nextRank
    },
    /** Whose turn it was may have been discarded: what is queued is found again. */
    forget(): void {
      for (const play of lanes.values()) if (play.nextRank !== DUE_RANK) play.nextRank = undefined
    },
    clear: (): void => lanes.clear(),
  }
}
