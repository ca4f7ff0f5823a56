import elk, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk.bundled.js'
import { connectionsOf, type Connection } from './connections.ts'
import { graphOf, PADDING, TITLE_HEIGHT, titleSize, type Form } from './graph.ts'
import { firstFree, segmentsOf, type Point, type Rect } from './geometry.ts'
import { allStates, type State } from './model.ts'

export interface Box {
  readonly state: State
  readonly rect: Rect
  readonly title: Rect
  /** Where it is listed what the state does by itself. */
  readonly details: Point
}

export interface Line {
  readonly connection: Connection
  readonly points: readonly Point[]
  readonly label: Rect | undefined
}

export interface Drawing extends Rect {
  readonly root: State
  readonly boxes: readonly Box[]
  /** The initial dot of each compound state. */
  readonly dots: readonly { readonly id: string; readonly rect: Rect }[]
  readonly lines: readonly Line[]
}

const layouter = new elk.default()

/** About what a README shows without making the text hard to read. */
const PAGE_WIDTH = 1040

/** The first that fits the page is taken, else the narrowest. */
const FORMS: readonly Form[] = [
  { direction: 'DOWN', labelWidth: 240 },
  { direction: 'DOWN', labelWidth: 180 },
  { direction: 'RIGHT', labelWidth: 180 },
  { direction: 'DOWN', labelWidth: 130 },
  { direction: 'RIGHT', labelWidth: 130 },
]

export async function layOut(root: State): Promise<Drawing> {
  const drawings: Drawing[] = []
  for (const form of FORMS) {
    const drawing = await layOutAs(root, form)
    if (drawing.width <= PAGE_WIDTH) return drawing
    drawings.push(drawing)
  }
  return drawings.reduce((best, drawing) => (drawing.width < best.width ? drawing : best))
}

async function layOutAs(root: State, form: Form): Promise<Drawing> {
  const connections = connectionsOf(root, form.labelWidth)
  const laidOut = await layouter.layout(graphOf(root, connections, form))
  const nodes = new Map(allNodes(laidOut).map((node) => [node.id, rectOf(node)]))
  const edges = new Map((laidOut.edges ?? []).map((edge) => [edge.id, edge]))
  const lines = connections.map((connection) => lineOf(connection, found(edges, connection.id)))
  return {
    ...rectOf(laidOut),
    root,
    boxes: allStates(root).map((state) => boxOf(state, nodes, lines)),
    dots: [...nodes].filter(([id]) => id.startsWith('initial:')).map(([id, rect]) => ({ id, rect })),
    lines,
  }
}

function lineOf(connection: Connection, { sections = [], labels = [] }: ElkExtendedEdge): Line {
  const points = sections.flatMap(pointsOf)
  const [label] = labels
  return { connection, points: connection.isBack ? points.toReversed() : points, label: label && rectOf(label) }
}

function allNodes(node: ElkNode): readonly ElkNode[] {
  return [node, ...(node.children ?? []).flatMap(allNodes)]
}

function found<Value>(map: ReadonlyMap<string, Value>, id: string): Value {
  const value = map.get(id)
  if (value === undefined) throw new Error(`The layout has lost ${id}.`)
  return value
}

interface Section {
  readonly startPoint: Point
  readonly bendPoints?: readonly Point[]
  readonly endPoint: Point
}

function pointsOf({ startPoint, bendPoints = [], endPoint }: Section): readonly Point[] {
  return [startPoint, ...bendPoints, endPoint].map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) }))
}

function rectOf({ x = 0, y = 0, width = 0, height = 0 }: Partial<Rect>): Rect {
  return { x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) }
}

function boxOf(state: State, nodes: ReadonlyMap<string, Rect>, lines: readonly Line[]): Box {
  const rect = found(nodes, state.id)
  if (state.states.length === 0) {
    return { state, rect, title: { ...rect, height: TITLE_HEIGHT }, details: { x: rect.x + PADDING, y: rect.y + TITLE_HEIGHT } }
  }
  const title = { ...rect, ...titleSize(state) }
  const details = nodes.get(`details:${state.id}`)
  const inside = [...nodes].filter(([id]) => id.startsWith('initial:') || isChild(state, id)).map(([, inner]) => inner)
  const obstacles = [
    ...inside,
    ...lines.flatMap(({ label }) => label ?? []),
    ...lines.flatMap(({ points }) => segmentsOf(points)),
  ]
  const free = (block: Rect): Rect | undefined => firstFree(block, rect, obstacles)
  if (details === undefined) return { state, rect, title: free(title) ?? title, details: title }
  const together = free({
    ...title,
    width: Math.max(title.width, details.width + 2 * PADDING),
    height: title.height + details.height,
  })
  if (together === undefined) return { state, rect, title: free(title) ?? title, details }
  return { state, rect, title: { ...title, x: together.x }, details: { x: together.x + PADDING, y: rect.y + TITLE_HEIGHT } }
}

function isChild({ states }: State, id: string): boolean {
  return states.some((child) => child.id === id)
}
