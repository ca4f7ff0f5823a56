import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import { nameOf } from './names.ts'

/** What a diagram shows of a machine: plain data, in the order of the code. */
export interface State {
  /** The machine's id and the path of keys, joined by dots. */
  readonly id: string
  readonly key: string
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  readonly isDeepHistory: boolean
  readonly entry: readonly string[]
  readonly exit: readonly string[]
  readonly invoked: readonly string[]
  readonly initial: { readonly targets: readonly string[]; readonly actions: readonly string[] } | undefined
  readonly transitions: readonly Transition[]
  readonly states: readonly State[]
}

export interface Transition {
  /** `<source>:<event as XState spells it>:<index among the transitions of that event>` */
  readonly id: string
  readonly source: string
  /** How the event is called in a diagram. */
  readonly event: string
  /** Not sent by anybody: a delay, an invoked actor that ended, or no event at all. */
  readonly isOwnEvent: boolean
  readonly guard: string | undefined
  readonly actions: readonly string[]
  /** Ids of states; empty if the transition stays where it is. */
  readonly targets: readonly string[]
  readonly reenter: boolean
}

export function modelOf(machine: AnyStateMachine): State {
  return stateOf(machine.root)
}

/** The state and all in it, from the outside in. */
export function allStates(state: State): readonly State[] {
  return [state, ...state.states.flatMap(allStates)]
}

/** Shown as a line in the box of the state: what has no target, and what comes back to where it was. */
export function isInternal({ source, targets }: Transition): boolean {
  return targets.every((target) => target === source)
}

function stateOf(node: AnyStateNode): State {
  return {
    id: idOf(node),
    key: node.key,
    type: node.type,
    isDeepHistory: node.history === 'deep',
    entry: node.entry.filter(isOwn).map(nameOf),
    exit: node.exit.filter(isOwn).map(nameOf),
    invoked: node.invoke.map(({ src, id }) => invokedName(node, typeof src === 'string' ? src : id, id)),
    initial: node.type === 'compound' ? initialOf(node) : undefined,
    transitions: transitionsOf(node),
    states: Object.values(node.states).map(stateOf),
  }
}

function idOf(node: AnyStateNode): string {
  return [node.machine.id, ...node.path].join('.')
}

/** A state with delays starts and cancels them by actions that XState adds. */
function isOwn(action: unknown): boolean {
  if (typeof action !== 'function') return true
  const id = 'sendId' in action ? action.sendId : 'id' in action ? action.id : undefined
  return typeof id !== 'string' || !id.startsWith('xstate.after.')
}

function invokedName(node: AnyStateNode, src: string, id: string): string {
  const name = src.startsWith('xstate.invoke.') ? 'inline' : src
  return id === name || isGenerated(node, id) ? name : `${name} as ${id}`
}

/** XState numbers the actors of a state that got no id. */
function isGenerated(node: AnyStateNode, id: string): boolean {
  return id.endsWith(`.${node.id}`)
}

function initialOf({ initial }: AnyStateNode): State['initial'] {
  return { targets: initial.target.map(idOf), actions: initial.actions.map(nameOf) }
}

function transitionsOf(node: AnyStateNode): readonly Transition[] {
  const byEvent = [...node.transitions.entries(), ['', node.always ?? []] as const]
  return byEvent.flatMap(([event, candidates]) =>
    candidates.map((candidate, index) => ({
      id: `${idOf(node)}:${event}:${index}`,
      source: idOf(node),
      event: eventName(node, event, candidate),
      isOwnEvent: event === '' || event.startsWith('xstate.'),
      guard: guardOf(candidate, candidates[index - 1]),
      actions: candidate.actions.map(nameOf),
      targets: (candidate.target ?? []).map(idOf),
      reenter: candidate.reenter,
    })),
  )
}

function guardOf({ guard }: AnyTransitionDefinition, previous: AnyTransitionDefinition | undefined): string | undefined {
  if (guard !== undefined) return nameOf(guard)
  return previous === undefined ? undefined : 'else'
}

function eventName(node: AnyStateNode, event: string, transition: AnyTransitionDefinition): string {
  if (event === '') return 'always'
  if ('delay' in transition) return `after ${delayName(node, transition.delay)}`
  const [, kind, what, id = ''] = /^xstate\.(done|error|snapshot)\.(actor|state)\.(.*)$/.exec(event) ?? []
  if (kind === undefined) return event
  const verb = { done: 'done', error: 'failed', snapshot: 'changed' }[kind] ?? kind
  return what === 'state' ? `${node.key} ${verb}` : `${actorName(node, id)} ${verb}`
}

function actorName(node: AnyStateNode, id: string): string {
  const src = node.invoke.find((invoked) => invoked.id === id)?.src
  if (!isGenerated(node, id) || typeof src !== 'string') return id
  return src.startsWith('xstate.invoke.') ? 'inline' : src
}

function delayName(node: AnyStateNode, delay: unknown): string {
  if (typeof delay === 'number') return `${delay} ms`
  const implementation: unknown = node.machine.implementations.delays[String(delay)]
  return typeof implementation === 'number' ? `${String(delay)} (${implementation} ms)` : String(delay)
}
