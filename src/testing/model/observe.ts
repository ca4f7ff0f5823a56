import {
  and,
  createEmptyActor,
  or,
  type AnyActorScope,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  type ExecutableActionObject,
} from 'xstate'
import { statesOf, transitionNames, transitionsOf } from './definition.ts'

/** Of one event; what takes more goes round in circles, and XState would go along for ever. */
const MOST_MICROSTEPS = 10_000

type Guard = NonNullable<AnyTransitionDefinition['guard']>

/** How often a guard let its transition pass, and how often it refused. */
export interface Verdicts {
  passed: number
  refused: number
}

/** One event, and all that followed from it. */
export interface Observation {
  readonly snapshot: AnyMachineSnapshot
  /** In the order in which they were taken: `always` transitions and those of raised events follow the first. */
  readonly taken: readonly AnyTransitionDefinition[]
  readonly actions: readonly ExecutableActionObject[]
}

/** A copy of a machine that runs nothing, but keeps what it would do. */
export interface ObservedMachine {
  readonly machine: AnyStateMachine
  readonly names: ReadonlyMap<AnyTransitionDefinition, string>
  readonly verdicts: ReadonlyMap<AnyTransitionDefinition, Verdicts>
  start(input: unknown): Observation
  next(snapshot: AnyMachineSnapshot, event: AnyEventObject): Observation
}

export function observe(original: AnyStateMachine): ObservedMachine {
  const machine = original.provide({})
  machine.options = { ...machine.options, maxIterations: Math.min(MOST_MICROSTEPS, machine.options.maxIterations ?? Infinity) }
  const names = transitionNames(machine)
  const verdicts = watchGuards(machine)
  return {
    machine,
    names,
    verdicts,
    start: (input) => observed((scope) => started(machine.getInitialSnapshot(scope, input))),
    next: (snapshot, event) => observed((scope) => machine.transition(snapshot, event, scope)),
  }
}

function observed(step: (scope: AnyActorScope) => AnyMachineSnapshot): Observation {
  const taken: AnyTransitionDefinition[] = []
  const actions: ExecutableActionObject[] = []
  const self = createEmptyActor()
  self.system.inspect((event) => {
    if (event.type !== '@xstate.microstep' || event.actorRef !== self) return
    const { _transitions: transitions } = event
    taken.push(...transitions)
  })
  const snapshot = step({
    self,
    system: self.system,
    id: self.id,
    sessionId: self.sessionId,
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: (action) => void actions.push(action),
  })
  return { snapshot, taken, actions }
}

/** XState keeps what is thrown at the start in the snapshot. */
function started(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  if (snapshot.status === 'error') throw snapshot.error
  return snapshot
}

function watchGuards(machine: AnyStateMachine): ReadonlyMap<AnyTransitionDefinition, Verdicts> {
  const verdicts = new Map<AnyTransitionDefinition, Verdicts>()
  for (const transition of statesOf(machine).flatMap(transitionsOf)) {
    if (transition.guard === undefined) continue
    const counted: Verdicts = { passed: 0, refused: 0 }
    const guard = byName(machine, transition.guard, `watched ${verdicts.size}`)
    // The parts of a composed guard are asked in order, and only as long as they matter.
    transition.guard = or([and([guard, () => ++counted.passed > 0]), () => ++counted.refused < 0])
    verdicts.set(transition, counted)
  }
  return verdicts
}

/** A guard that is a function gets a name on our copy. */
function byName({ implementations }: AnyStateMachine, guard: Guard, name: string): { readonly type: string } {
  if (typeof guard === 'string') return { type: guard }
  if (typeof guard !== 'function') return guard
  Object.assign(implementations.guards, { [name]: guard })
  return { type: name }
}
