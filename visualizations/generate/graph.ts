import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs/lib/elk-api.js'
import type { Connection } from './connections.ts'
import { allStates, type State } from './model.ts'
import { detailsOf, sizeOf, type Group } from './rows.ts'
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

interface Size {
  readonly width: number
  readonly height: number
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
