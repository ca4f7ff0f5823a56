import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import * as exported from '../../machines/index.ts'
import { machinesIn } from '../../visualizations/generate/index.ts'
import { playerMachine } from './player-machine.ts'

/** Every machine of the project, and one that has what none of them has. */
export const subjects: readonly (readonly [string, AnyStateMachine])[] = [...machinesIn(exported), playerMachine].map(
  (machine) => [machine.id, machine] as const,
)

export function nodesOf(node: AnyStateNode): readonly AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)]
}

export interface Taken {
  readonly event: string
  readonly index: number
  readonly transition: AnyTransitionDefinition
}

/** Read from the definition as XState does when it looks for the one to take. */
export function transitionsOf(node: AnyStateNode): readonly Taken[] {
  const byEvent = [...node.transitions, ['', node.always ?? []] as const]
  return byEvent.flatMap(([event, all]) => all.map((transition, index) => ({ event, index, transition })))
}
