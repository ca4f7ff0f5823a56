import type { JsonObject } from '../../core/json.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { Fact } from '../world/facts.ts'
import type { Effect } from '../world/model-server.ts'
import type { Place } from '../world/places.ts'
import type { WorldSettings } from '../world/settings.ts'
import type { Register } from './register.ts'

/** What a checker may look at; it changes nothing. */
export interface Picture {
  now(): number
  readonly settings: WorldSettings
  /** Every operation that was ever stored, and what became of it. */
  readonly register: Register
  /** The rows of a device as they are committed now. */
  rowsOf(device: string): ReadonlyMap<number, OperationRow>
  /** Whatever is stored on a device of a user, by its collection and key. */
  namesOf(device: string, user: string): readonly string[]
  wallTimeOf(device: string): number
  /** The server's effects in order. */
  readonly ledger: readonly Effect[]
  /** Those that an older backup took back. */
  readonly undone: ReadonlySet<Effect>
  /** What the server has at a path. */
  valueOf(path: string): JsonObject | undefined
  /** The version of everything that the server has or had, by path. */
  versionsOf(): ReadonlyMap<string, number>
  /** What is of a kind of entity, or of a part of it, or was. */
  placesOf(entity: string, part: string | undefined): readonly Place[]
  /** The parts of the notes that a device's options name; undefined if it follows all. */
  partsOf(device: string): readonly string[] | undefined
  /** It says that there is more, and gives the same cursor again. */
  repeatsCursors(): boolean
  isDown(): boolean
  /** The device that a tab is of. */
  deviceOf(tab: string): string | undefined
  /** An operation of the user that has been due on that device for so long, and that nothing stands before. */
  dueIn(device: string, user: string, forMs: number): OperationRow | undefined
  /** How many timers a tab's process has set. */
  timersOf(tab: string): number
  /** Nobody can use the device's store, for somebody who does not run holds it. */
  isHeldUp(device: string): boolean
  /** Its store makes a commit whole by itself. */
  isTransactional(device: string): boolean
}

export interface Violation {
  readonly invariant: string
  readonly sentence: string
  readonly at: number
  /** Who says so: a file of this folder, or `liveness`. */
  readonly checker: string
}

/** One or a few invariants of machines/SPEC.md, watched over one run. What it finds wrong it says in a sentence. */
export interface Watch {
  /** Something happened; the register and the rows know it already. */
  see?(fact: Fact): void
  /** Faults have ended and everything has drained. */
  end?(): void
}

export type Report = (invariant: string, sentence: string) => void

export type Checker = (picture: Picture, report: Report) => Watch
