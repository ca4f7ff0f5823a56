import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs/lib/elk-api.js'
import { allStates, isInternal, type State, type Transition } from './model.ts'
import { detailsOf, groupsOf, sizeOf, type Group } from './rows.ts'
import { TITLE_SIZE } from './style.ts'
import { widthOf } from './text.ts'

export const TITLE_HEIGHT = 26
export const PADDING = 10
export const LABEL_PADDING = 5
const DOT = 10

/** One way to draw a machine: which way its states follow each other, and how wide the label of a line may be. */
export interface Form {
  readonly direction: 'DOWN' | 'RIGHT'
  readonly labelWidth: number
}

function layoutOptions({ direction }: Form): LayoutOptions {
  return {
    'elk.algorithm': 'layered',
    'elk.direction': direction,
    'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
    'elk.edgeRouting': 'ORTHOGONAL',
    'elk.json.shapeCoords': 'ROOT',
    'elk.json.edgeCoords': 'ROOT',
    'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
    'elk.layered.layering.strategy': 'LONGEST_PATH_SOURCE',
    'elk.spacing.nodeNode': '16',
    'elk.spacing.edgeNode': '10',
    'elk.spacing.edgeEdge': '10',
    'elk.spacing.edgeLabel': '2',
    'elk.layered.spacing.nodeNodeBetweenLayers': '20',
    'elk.layered.spacing.edgeNodeBetweenLayers': '10',
    'elk.layered.spacing.edgeEdgeBetweenLayers': '10',
  }
}

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

export interface Size {
  readonly width: number
  readonly height: number
}

export function connectionsOf(root: State, { labelWidth }: Form): readonly Connection[] {
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

export function graphOf(root: State, connections: readonly Connection[], form: Form): ElkNode {
  return {
    id: '',
    layoutOptions: layoutOptions(form),
    children: [nodeOf(root, form)],
    edges: [...spacers(root), ...connections.map(edgeOf)],
  }
}

function edgeOf({ id, source, target, isBack, groups }: Connection): ElkExtendedEdge {
  const { width, height } = sizeOf(groups)
  const label = {
    text: id,
    width: width + 2 * LABEL_PADDING,
    height: height + 2 * LABEL_PADDING - 2,
    layoutOptions: { 'elk.edgeLabels.inline': 'true' },
  }
  return {
    id,
    sources: [isBack ? target : source],
    targets: [isBack ? source : target],
    labels: groups.length > 0 ? [label] : [],
  }
}

function nodeOf(state: State, form: Form): ElkNode {
  const title = titleSize(state)
  const details = detailsSize(state)
  if (state.states.length === 0) {
    const width = Math.max(title.width, details.width + 2 * PADDING)
    return { id: state.id, width, height: title.height + (details.height > 0 ? details.height + 8 : 0) }
  }
  return {
    id: state.id,
    children: [...detailsNode(state), ...initialDot(state), ...state.states.map((child) => nodeOf(child, form))],
    layoutOptions: {
      ...layoutOptions(form),
      'elk.padding': `[top=${title.height + 4},left=14,bottom=14,right=14]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${title.width}, ${title.height})`,
    },
  }
}

const FIRST = { 'elk.layered.layering.layerConstraint': 'FIRST' }

function initialDot(state: State): readonly ElkNode[] {
  if (state.initial === undefined) return []
  const layoutOptions = detailsSize(state).height === 0 ? FIRST : {}
  return [{ id: `initial:${state.id}`, width: DOT, height: DOT, layoutOptions }]
}

/** What a compound state does by itself is a node in it, so that no line is led across. */
function detailsNode(state: State): readonly ElkNode[] {
  const { width, height } = detailsSize(state)
  return height === 0 ? [] : [{ id: `details:${state.id}`, width, height, layoutOptions: FIRST }]
}

/** Never drawn: keeps what is in a state below its details. */
function spacers(root: State): readonly ElkExtendedEdge[] {
  return allStates(root)
    .filter((state) => state.states.length > 0 && detailsSize(state).height > 0)
    .flatMap(({ id, type, states }) => (type === 'parallel' ? states.map((region) => [id, region.id]) : [[id, `initial:${id}`]]))
    .map(([id, below]) => ({ id: `spacer:${below}`, sources: [`details:${id}`], targets: [`${below}`] }))
}

export function titleOf({ key, type, isDeepHistory }: State): string {
  if (type !== 'history') return key
  return `${isDeepHistory ? 'H*' : 'H'} ${key}`
}

export function titleSize(state: State): Size {
  return { width: widthOf(titleOf(state), TITLE_SIZE, true) + 2 * PADDING, height: TITLE_HEIGHT }
}

/** What the box of a state says below its title. */
export function detailsIn(state: State): readonly Group[] {
  return detailsOf(state, state.states.length === 0 ? 260 : 320)
}

function detailsSize(state: State): Size {
  return sizeOf(detailsIn(state))
}
