import type { AnyTransitionDefinition } from 'xstate'
import { ValidationError } from '../../core/errors.ts'
import type { Observation } from './observe.ts'
import type { Edge, Vertex, Walk } from './walk.ts'

/** A way through a machine: what to start it with, what to send then, and what is seen on the way. */
export interface Path {
  readonly input: unknown
  readonly start: Observation
  readonly edges: readonly Edge[]
}

/** To each vertex a path of the fewest events. */
export function shortestPaths(walk: Walk): readonly Path[] {
  return walk.vertices.map((vertex) => pathOf(walk, edgesTo(vertex)))
}

/** A few paths that together take every transition that can be taken. */
export function coveringPaths(walks: readonly Walk[]): readonly Path[] {
  const covered = new Set<AnyTransitionDefinition>()
  return walks
    .flatMap((walk) => walk.vertices.flatMap((vertex) => pathsThrough(walk, vertex)))
    .toSorted((one, other) => other.edges.length - one.edges.length)
    .filter((path) => {
      const fresh = takenOn(path).filter((transition) => !covered.has(transition))
      for (const transition of fresh) covered.add(transition)
      return fresh.length > 0
    })
}

/**
 * The paths that visit no vertex twice, up to a length. Of these there are so many that XState's `getSimplePaths`, which keeps them
 * all, runs out of memory: here they come one by one.
 * @throws ValidationError if `maxEvents` is no whole number from 0 up (`Infinity`: however many)
 */
export function simplePaths(walk: Walk, maxEvents: number): Generator<Path> {
  if (maxEvents !== Infinity && !(Number.isInteger(maxEvents) && maxEvents >= 0))
    throw new ValidationError('maxEvents', 'must be a whole number from 0 up: the most events that a path may have.')
  return simplePathsOf(walk, maxEvents)
}

function* simplePathsOf(walk: Walk, maxEvents: number): Generator<Path> {
  const [first] = walk.vertices
  if (first !== undefined) yield* onwards(walk, [], first, new Set([first]), maxEvents)
}

function* onwards(walk: Walk, edges: readonly Edge[], at: Vertex, visited: ReadonlySet<Vertex>, left: number): Generator<Path> {
  yield pathOf(walk, edges)
  if (left === 0) return
  for (const edge of at.edges) {
    if (visited.has(edge.to)) continue
    yield* onwards(walk, [...edges, edge], edge.to, new Set([...visited, edge.to]), left - 1)
  }
}

export function takenOn({ start, edges }: Path): readonly AnyTransitionDefinition[] {
  return [start, ...edges.map(({ observation }) => observation)].flatMap(({ taken }) => taken)
}

/** The vertices from which none that is wanted can be reached along the edges that may be used. */
export function deadEnds(
  { vertices }: Walk,
  isWanted: (vertex: Vertex) => boolean,
  isUsable: (edge: Edge) => boolean,
): readonly Vertex[] {
  const before = new Map(vertices.map((vertex) => [vertex, new Set<Vertex>()]))
  for (const { from, to } of vertices.flatMap(({ edges }) => edges).filter(isUsable)) before.get(to)?.add(from)
  const good = new Set(vertices.filter(isWanted))
  for (const vertex of good) for (const from of before.get(vertex) ?? []) good.add(from)
  return vertices.filter((vertex) => !good.has(vertex))
}

function pathsThrough(walk: Walk, vertex: Vertex): readonly Path[] {
  const edges = edgesTo(vertex)
  return [pathOf(walk, edges), ...vertex.edges.map((edge) => pathOf(walk, [...edges, edge]))]
}

function pathOf({ input, start }: Walk, edges: readonly Edge[]): Path {
  return { input, start, edges }
}

function edgesTo(vertex: Vertex): readonly Edge[] {
  const edges: Edge[] = []
  for (let edge = vertex.cameBy; edge !== undefined; edge = edge.from.cameBy) edges.push(edge)
  return edges.toReversed()
}
