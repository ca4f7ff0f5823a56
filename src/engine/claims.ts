import type { SyncError } from '../core/errors.ts'
import type { Clock, Expectation } from '../core/ports.ts'
import type { Blockage, Choice, Chooser } from './chooser.ts'
import type { LaneBoard } from './lane-board.ts'
import { type Store } from './store.ts'
import { editsUnchanged } from './store-edit.ts'

/** A lane may be long: so many are in memory together. */
const LANES_AT_ONCE = 32

/** Chooses what to claim next. The claims hold only if nobody edited an operation since they were looked at. */
export function createClaims(
  store: Store,
  clock: Clock,
  lanes: LaneBoard,
  chooser: Chooser,
  quarantined: (sequence: number, error: SyncError) => void,
) {
  let edits: number | undefined
  /** What `edits` was when the present choices were looked at. */
  let editsBefore = 0

  /** Whoever edits may have put in its place what an earlier owner left in play, and nobody could find. */
  async function newestEdits(): Promise<number> {
    const newest = await store.edits()
    if (newest !== editsBefore) lanes.begin()
    return newest
  }

  async function chooseInto(choices: Choice[], wanted: number): Promise<void> {
    editsBefore = edits ??= await newestEdits()
    for (let found = -1; found !== 0 && choices.length < wanted;) {
      const now = clock.now()
      const names = await lanes.next(wanted - choices.length, now)
      for (let at = 0; at < names.length; at += LANES_AT_ONCE) await chooseFrom(names.slice(at, at + LANES_AT_ONCE), now, choices)
      found = names.length
    }
  }

  async function chooseFrom(names: readonly string[], now: number, choices: Choice[]): Promise<void> {
    const before = lanes.generation()
    const found = await chooser.choose(names, now)
    found.forEach((choice, at) => {
      if (!('type' in choice)) {
        lanes.enter(choice)
        choices.push(choice)
      } else if (lanes.generation() === before) blocked(names[at] ?? '', choice)
      // What was seen before everything was to be looked at again must not hold the lane.
    })
  }

  function blocked(lane: string, blockage: Blockage): void {
    lanes.block(lane, blockage)
    if (blockage.type === 'corrupt') quarantined(blockage.sequence, blockage.error)
  }

  /** They are not claimed after all. */
  function leave(choices: readonly Choice[]): void {
    for (const { lane } of choices) lanes.leave(lane, 0)
  }

  return {
    /** A pause may come while it looks: then nothing is claimed. */
    async choose(wanted: number, isHeld: () => boolean): Promise<readonly Choice[]> {
      const choices: Choice[] = []
      if (wanted === 0) return choices
      try {
        await chooseInto(choices, wanted)
      } catch (error) {
        leave(choices)
        throw error
      }
      if (!isHeld()) return choices
      leave(choices)
      return []
    },
    leave,
    /** What a commit of these choices must expect. */
    expectation: (choices: readonly Choice[]): readonly Expectation[] =>
      choices.length === 0 ? [] : [editsUnchanged(editsBefore)],
    forget(): void {
      edits = undefined
    },
  }
}
