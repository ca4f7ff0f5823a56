import { isTerminal, laneOf, type OperationRow } from '../core/operation.ts'
import type { Entry } from '../core/ports.ts'
import { IN_PLAY } from '../core/schema.ts'
import type { Blockage } from './chooser.ts'
import { createLaneFinder } from './lane-finder.ts'
import { createPlays } from './plays.ts'
import type { Store } from './store.ts'

export type LaneBoard = ReturnType<typeof createLaneBoard>

/** Which lanes are in play, which can't go on yet and why, and where to look next. */
export function createLaneBoard(store: Store, user: string, unreadable: (entry: Entry) => void) {
  const plays = createPlays()
  const finder = createLaneFinder(store, user, plays.note, unreadable)
  /** Operation → the lanes whose heads depend on it, and the turns of these. */
  const dependants = new Map<string, Map<string, number>>()

  /** What an earlier owner left in play waits for something, and is to be found once more. */
  let holdsOrphans = false

  function leave(lane: string, rank: number | undefined): void {
    plays.note(lane, rank)
    const nextRank = plays.leave(lane)
    if (nextRank !== undefined) finder.revisit(lane, nextRank)
  }

  function forget(): void {
    dependants.clear()
    plays.forget()
    finder.forget()
    if (holdsOrphans) finder.begin()
    holdsOrphans = false
  }

  return {
    next: finder.next,
    nextDueAt: finder.nextDueAt,
    generation: finder.generation,
    isExhausted: finder.isExhausted,
    begin: finder.begin,
    enter: plays.enter,
    leave,

    forget,
    clear(): void {
      plays.clear()
      forget()
    },

    queued(lane: string, rank: number): void {
      if (!plays.note(lane, rank)) finder.queued(lane, rank)
    },

    /** It was enqueued for later. */
    scheduled: finder.waitUntil,

    block(lane: string, blockage: Blockage): void {
      if (blockage.type === 'empty') return
      finder.block(lane)
      if (blockage.type === 'notDue') finder.waitUntil(blockage.dueAt)
      if (blockage.type === 'dependency' && blockage.isInPlay === true) holdsOrphans = true
      if (blockage.type === 'dependency')
        dependants.set(blockage.on, (dependants.get(blockage.on) ?? new Map<string, number>()).set(lane, blockage.rank))
    },

    /** The operation was put back before it left. */
    leaveUnsent(row: OperationRow): void {
      if (row.dueAt === IN_PLAY) finder.begin()
      else if (row.rank === undefined) finder.waitUntil(0)
      leave(laneOf(row.user, row.entity, row.entityId), row.rank)
    },

    /** The operation is no longer in play: what its lane does next depends on how it left. */
    leaveWith(row: OperationRow): void {
      const lane = laneOf(row.user, row.entity, row.entityId)
      if (isTerminal(row.status) || row.status === 'queued') return leave(lane, row.rank)
      // What was put back before it meanwhile may go, whatever it waits for.
      if (row.status === 'parked') return leave(lane, undefined)
      plays.leave(lane)
      finder.block(lane)
      if (row.status === 'waiting') finder.waitUntil(row.dueAt ?? 0)
    },

    /** What waited for this operation may go, in its turn. */
    ended(id: string): void {
      for (const [lane, rank] of dependants.get(id) ?? []) finder.revisit(lane, rank)
      dependants.delete(id)
    },
  }
}
