import type { AnyTransitionDefinition } from 'xstate'
import { actionTexts } from './actions.ts'
import type { Observation, ObservedMachine } from './observe.ts'
import type { Edge, Walk } from './walk.ts'

/** The transitions, by name, without which everything that was seen would have been the same. */
export function redundantTransitions(observed: ObservedMachine, walks: readonly Walk[]): readonly string[] {
  const edges = new Map<AnyTransitionDefinition, Edge[]>([...observed.names.keys()].map((transition) => [transition, []]))
  for (const edge of walks.flatMap(({ vertices }) => vertices.flatMap((vertex) => vertex.edges))) {
    for (const transition of new Set(edge.observation.taken)) edges.get(transition)?.push(edge)
  }
  return [...edges].flatMap(([transition, taking]) => {
    if (taking.length === 0 || without(transition, () => taking.some((edge) => matters(observed, edge)))) return []
    return observed.names.get(transition) ?? []
  })
}

/** Our copy of the machine lacks the transition for the time of the call. */
function without<Result>(transition: AnyTransitionDefinition, call: () => Result): Result {
  const { guard } = transition
  transition.guard = () => false
  try {
    return call()
  } finally {
    if (guard === undefined) delete transition.guard
    else transition.guard = guard
  }
}

function matters(observed: ObservedMachine, { from, event, observation }: Edge): boolean {
  return !isAlike(observation, observed.next(from.snapshot, event))
}

function isAlike(one: Observation, other: Observation): boolean {
  return (
    isSame(outcome(one), outcome(other)) &&
    Object.entries(one.snapshot.context).every(([key, value]) => isSame(value, Reflect.get(other.snapshot.context, key)))
  )
}

function outcome({ snapshot, actions }: Observation): unknown {
  return [snapshot.value, snapshot.status, actionTexts(actions)]
}

function isSame(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || JSON.stringify(one) === JSON.stringify(other)
}
