import type { AnyStateMachine, InputFrom, SnapshotFrom } from 'xstate'
import { checkModelOptions } from './check-options.ts'
import { coverageOf, type Coverage } from './coverage.ts'
import type { EventChoices, Occurrences, OutputChoices, SnapshotChoices } from './events.ts'
import { observe, type ObservedMachine } from './observe.ts'
import { coveringPaths, type Path } from './paths.ts'
import { walk, type Walk, type WalkOptions } from './walk.ts'

export interface ModelOptions<Machine extends AnyStateMachine> {
  /** With what the machine is started, once each. */
  readonly inputs: readonly InputFrom<Machine>[]
  readonly events: EventChoices<Machine>
  readonly outputs?: OutputChoices<Machine>
  readonly snapshots?: SnapshotChoices<Machine>
  /** What the invoked actors may fail with. Default: one `Error`. */
  readonly errors?: readonly unknown[]
  /** What of the context makes two states different, beside the state value and what histories remember. Without it nothing does. */
  readonly key?: (snapshot: SnapshotFrom<Machine>) => unknown
  /** Steps after which a walk is given up as endless. Default 200,000. */
  readonly limit?: number
}

interface LooseOptions extends Partial<WalkOptions> {
  readonly inputs: readonly unknown[]
  readonly events: Occurrences['events']
}

/** All that a machine can do with the given events. */
export interface Model extends ObservedMachine {
  readonly walks: readonly Walk[]
  readonly coverage: Coverage
  /** A few paths that take every transition. */
  readonly paths: readonly Path[]
}

const LIMIT_STEPS = 200_000

/**
 * Walks through a machine, wherever the events lead, as pure transitions: timers are due, and what is invoked ends, fails or shows something, at
 * any moment. Nothing is started, so the machine needs none of its actions and actors.
 * @throws ValidationError that names an option which is wrong, SyncError `endless-walk` if `limit` steps are not enough, SyncError
 * `machine-fails` with what the machine throws at an event or because it goes round in circles, and what it throws at its start.
 */
export function testModel<Machine extends AnyStateMachine>(machine: Machine, options: ModelOptions<Machine>): Model
export function testModel(machine: AnyStateMachine, options: LooseOptions): Model {
  checkModelOptions(machine, options)
  const { inputs, events, outputs = {}, snapshots = {}, errors = [new Error('failed')] } = options
  const { key = () => null, limit = LIMIT_STEPS } = options
  const observed = observe(machine)
  const walks = inputs.map((input) => walk(observed, input, { events, outputs, snapshots, errors, key, limit }))
  return { ...observed, walks, coverage: coverageOf(observed, walks), paths: coveringPaths(walks) }
}
