import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import { getStateNodes } from 'xstate/graph'

/** The states and transitions that a machine is made of, named so that a person finds them in its file. A history is none of these: nobody is ever in it. */
export function statesOf({ root }: AnyStateMachine): readonly AnyStateNode[] {
  return [root, ...getStateNodes(root)].filter(({ type }) => type !== 'history')
}

export function transitionsOf(node: AnyStateNode): readonly AnyTransitionDefinition[] {
  return branchesOf(node).flat()
}

/** Each transition's name; where an event has several branches, it tells which of them. */
export function transitionNames(machine: AnyStateMachine): ReadonlyMap<AnyTransitionDefinition, string> {
  const names = new Map<AnyTransitionDefinition, string>()
  for (const node of statesOf(machine)) {
    for (const branches of branchesOf(node)) {
      branches.forEach((branch, index) =>
        names.set(branch, nameOf(branch, branches.length > 1 ? ` ${index + 1}/${branches.length}` : '')),
      )
    }
  }
  return names
}

export function stateName({ path, machine }: AnyStateNode): string {
  return path.length === 0 ? machine.id : path.join('.')
}

function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard
  if (typeof guard === 'function') return 'guards' in guard ? composedName(guard.name, guard.guards) : inlineName(guard.name)
  if (typeof guard !== 'object' || guard === null || !('type' in guard)) return inlineName('')
  return `${String(guard.type)}${'params' in guard ? paramsText(guard.params) : ''}`
}

/** What is written in place is named after its property. */
function inlineName(name: string): string {
  return name === '' || name === 'guard' ? 'inline guard' : name
}

function composedName(operator: string, guards: unknown): string {
  return `${operator}(${Array.isArray(guards) ? guards.map(guardName).join(', ') : ''})`
}

function paramsText(params: unknown): string {
  return typeof params === 'object' && params !== null ? `(${Object.values(params).map(String).join(', ')})` : ''
}

/** Of each event the transitions that it chooses from, in order. */
function branchesOf({ transitions, always }: AnyStateNode): readonly (readonly AnyTransitionDefinition[])[] {
  return [...transitions.values(), ...(always === undefined ? [] : [always])]
}

function nameOf(transition: AnyTransitionDefinition, branch: string): string {
  const { source, target, guard } = transition
  const condition = guard === undefined ? '' : ` [${guardName(guard)}]`
  const targets = target === undefined ? 'stays' : `→ ${target.map(stateName).join(', ')}`
  return `${stateName(source)}: ${eventName(source, transition.eventType)}${branch}${condition} ${targets}`
}

/** XState's own events by what they tell: `after poll`, `done look`, `error look`, `snapshot look`. */
export function eventName({ id, invoke }: AnyStateNode, eventType: string): string {
  if (eventType === '') return 'always'
  const [, kind, rest] = /^xstate\.(after|done\.actor|error\.actor|snapshot|done\.state)\.(.*)$/.exec(eventType) ?? []
  if (kind === undefined || rest === undefined) return eventType
  if (kind === 'after') return `after ${rest.slice(0, -id.length - 1)}`
  if (kind === 'done.state') return 'done'
  const src = invoke.find((invoked) => invoked.id === rest)?.src
  return `${kind.replace('.actor', '')} ${typeof src === 'string' ? src : rest}`
}
