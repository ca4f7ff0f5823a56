import { allStates, isInternal, type State, type Transition } from './model.ts'
import { groupsOf, type Group } from './rows.ts'

/** A line from one state to another, for all transitions that lead there; its label lists them. */
export interface Connection {
  readonly id: string
  /** Lines of the same transitions, into several regions of a parallel state, have this in common. */
  readonly bundle: string
  readonly source: string
  readonly target: string
  /** Leads back to what comes earlier in the code: laid out from its target to its source, so that states follow each other down the page. */
  readonly isBack: boolean
  readonly groups: readonly Group[]
}

export function connectionsOf(root: State, labelWidth: number): readonly Connection[] {
  const order = allStates(root).map(({ id }) => id)
  const isBack = (source: string, target: string): boolean => order.indexOf(target) < order.indexOf(source)
  return allStates(root).flatMap((state) => [
    ...initialConnections(state),
    ...ownConnections(state, labelWidth).map((connection) => ({
      ...connection,
      isBack: isBack(connection.source, connection.target),
    })),
  ])
}

function initialConnections({ id, initial }: State): readonly Connection[] {
  const targets = initial?.targets ?? []
  return targets.map((target) => ({
    id: `initial:${id}>${target}`,
    bundle: `initial:${id}`,
    source: `initial:${id}`,
    target,
    isBack: false,
    groups: initialGroups(initial),
  }))
}

function initialGroups(initial: State['initial']): readonly Group[] {
  const names = initial?.actions ?? []
  if (names.length === 0) return []
  const span = { kind: 'action', text: `/ ${names.join(', ')}` } as const
  return [{ head: [], entries: [{ transition: undefined, rows: [{ indent: 0, spans: [span] }] }], tail: [] }]
}

function ownConnections(state: State, labelWidth: number): readonly Omit<Connection, 'isBack'>[] {
  const leaving = state.transitions.filter((transition) => !isInternal(transition))
  const ends = [...new Set(leaving.map(endOf))]
  return ends.flatMap((end) =>
    connect(
      state,
      leaving.filter((transition) => endOf(transition) === end),
      labelWidth,
    ),
  )
}

function endOf({ targets }: Transition): string {
  return targets.join(' ')
}

/** With several targets the first line carries the label. */
function connect({ id }: State, transitions: readonly Transition[], labelWidth: number): readonly Omit<Connection, 'isBack'>[] {
  const targets = transitions[0]?.targets ?? []
  const bundle = `edge:${id}>${targets.join(' ')}`
  return targets.map((target, index) => ({
    id: `${bundle}>${target}`,
    bundle,
    source: id,
    target,
    groups: index === 0 ? groupsOf(transitions, labelWidth) : [],
  }))
}
