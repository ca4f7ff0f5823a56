import { titleOf } from './graph.ts'
import { allStates, isInternal, type State, type Transition } from './model.ts'
import { deedOf } from './rows.ts'

/** The machine as a Mermaid stateDiagram-v2, with a line for each state and each transition. */
export function mermaidOf(root: State): string {
  const states = allStates(root)
  const lines = [
    'stateDiagram-v2',
    ...declaration(root, '  '),
    ...states.flatMap(leaving),
    ...states.filter(({ states: inner }) => inner.length > 0).flatMap(note),
  ]
  return `${lines.join('\n')}\n`
}

/** Mermaid takes letters, digits and underscores. */
export function mermaidId(id: string): string {
  return id.replaceAll('.', '__').replaceAll(/\W/g, (character) => `_${character.charCodeAt(0)}_`)
}

function declaration(state: State, indent: string): readonly string[] {
  const id = mermaidId(state.id)
  const head = `${indent}state "${escapeMermaid(titleOf(state))}" as ${id}`
  if (state.states.length === 0) return [head, ...ownLines(state).map((line) => `${indent}${id} : ${line}`)]
  const inner = `${indent}  `
  const start = (state.initial?.targets ?? []).map((target) => `${inner}[*] --> ${mermaidId(target)}${initialText(state)}`)
  const end = state.states.filter(({ type }) => type === 'final').map((child) => `${inner}${mermaidId(child.id)} --> [*]`)
  const children = state.states.map((child) => declaration(child, inner))
  const between = state.type === 'parallel' ? [`${inner}--`] : []
  return [
    `${head} {`,
    ...start,
    ...children.flatMap((lines, index) => [...(index > 0 ? between : []), ...lines]),
    ...end,
    `${indent}}`,
  ]
}

function initialText({ initial }: State): string {
  const names = initial?.actions ?? []
  return names.length === 0 ? '' : ` : / ${escapeMermaid(names.join(', '))}`
}

function ownLines(state: State): readonly string[] {
  const { entry, exit, invoked, transitions } = state
  const lists = [['entry', entry] as const, ['exit', exit] as const, ['invoke', invoked] as const]
  return [
    ...lists.filter(([, names]) => names.length > 0).map(([word, names]) => `${word} / ${names.join(', ')}`),
    ...transitions.filter(isInternal).map(textOf),
  ].map(escapeMermaid)
}

function leaving({ id, transitions }: State): readonly string[] {
  return transitions
    .filter((transition) => !isInternal(transition) && !isInward(transition))
    .flatMap((transition) =>
      transition.targets.map((target) => `  ${mermaidId(id)} --> ${mermaidId(target)} : ${escapeMermaid(textOf(transition))}`),
    )
}

/** Mermaid can't list anything in a state with states in it, nor lead from it to one of them. */
function note(state: State): readonly string[] {
  const inward = state.transitions
    .filter(isInward)
    .map((transition) => escapeMermaid(`${textOf(transition)} → ${shortTargets(transition)}`))
  const lines = [...ownLines(state), ...inward]
  return lines.length === 0 ? [] : [`  note right of ${mermaidId(state.id)}`, ...lines.map((line) => `    ${line}`), '  end note']
}

function isInward({ source, targets }: Transition): boolean {
  return targets.some((target) => target.startsWith(`${source}.`))
}

function shortTargets({ source, targets }: Transition): string {
  return targets.map((target) => target.slice(source.length + 1)).join(', ')
}

function textOf(transition: Transition): string {
  return `${transition.event} ${deedOf(transition)}`.trim()
}

function escapeMermaid(text: string): string {
  return text.replaceAll(/[#;:<>"&{}]/g, (character) => `#${character.charCodeAt(0)};`)
}
