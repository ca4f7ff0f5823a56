import { pathToStateValue, type AnyMachineSnapshot, type AnyStateNode, type AnyTransitionDefinition } from 'xstate'
import { stateName, statesOf } from './definition.ts'
import type { ObservedMachine } from './observe.ts'
import type { Walk } from './walk.ts'

/** What of a machine's definition some walks exercised. */
export interface Coverage {
  readonly machine: string
  readonly states: Exercised
  readonly transitions: Exercised
  /** Exercised by passing and by refusing, each at least once. */
  readonly guards: Exercised
}

export interface Exercised {
  readonly total: number
  /** By name. */
  readonly missing: readonly string[]
}

export function coverageOf(observed: ObservedMachine, walks: readonly Walk[]): Coverage {
  const { machine, names, verdicts } = observed
  const taken = new Set(walks.flatMap(takenIn))
  const left = new Set<AnyStateNode>([...taken].map(({ source }) => source))
  const snapshots = walks.flatMap(({ vertices }) => vertices.map(({ snapshot }) => snapshot))
  const states = statesOf(machine).filter(({ parent }) => parent !== undefined)
  const missing = states.filter((node) => !left.has(node) && !snapshots.some((snapshot) => isIn(snapshot, node)))
  return {
    machine: machine.id,
    states: { total: states.length, missing: missing.map(stateName) },
    transitions: {
      total: names.size,
      missing: [...names].filter(([transition]) => !taken.has(transition)).map(([, name]) => name),
    },
    guards: {
      total: verdicts.size,
      missing: [...verdicts].flatMap(([transition, { passed, refused }]) => {
        if (passed > 0 && refused > 0) return []
        const found = passed + refused === 0 ? 'is never asked' : passed > 0 ? 'always passes' : 'always refuses'
        return [`a guard ${found}: ${names.get(transition) ?? ''}`]
      }),
    },
  }
}

/** Everything that is not exercised; empty when all is. */
export function gaps({ machine, states, transitions, guards }: Coverage): readonly string[] {
  return [
    ...states.missing.map((name) => `${machine}: the state ${name} is never reached`),
    ...transitions.missing.map((name) => `${machine}: never taken: ${name}`),
    ...guards.missing.map((name) => `${machine}: ${name}`),
  ]
}

function isIn(snapshot: AnyMachineSnapshot, { path }: AnyStateNode): boolean {
  return snapshot.matches(pathToStateValue(path))
}

function takenIn({ start, vertices }: Walk): readonly AnyTransitionDefinition[] {
  return [start, ...vertices.flatMap(({ edges }) => edges.map(({ observation }) => observation))].flatMap(({ taken }) => taken)
}
