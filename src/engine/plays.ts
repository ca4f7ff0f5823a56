/** The lanes in play: of each, one operation is claimed or on its way, and nothing overtakes it. */
export function createPlays() {
  /** Lane → the turn of what is known to wait behind the operation in play. */
  const lanes = new Map<string, number | undefined>()

  /** Something waits in the lane. False if the lane is not in play. */
  function note(lane: string, rank: number | undefined): boolean {
    if (!lanes.has(lane)) return false
    const known = lanes.get(lane)
    if (rank !== undefined && (known === undefined || rank < known)) lanes.set(lane, rank)
    return true
  }

  return {
    note,
    enter: (lane: string, nextRank: number | undefined): void => void lanes.set(lane, nextRank),
    /** Returns the turn of what waits in the lane. */
    leave(lane: string): number | undefined {
      const nextRank = lanes.get(lane)
      lanes.delete(lane)
      return nextRank
    },
    clear: (): void => lanes.clear(),
  }
}
