import type { ActorLogic, AnyEventObject, AnyMachineSnapshot, Snapshot } from 'xstate'
import { adjacencyMapToArray, getAdjacencyMap } from 'xstate/graph'
import { SyncError } from '../../core/errors.ts'
import { occurring, type Occurrences } from './events.ts'
import type { Observation, ObservedMachine } from './observe.ts'

/** A state value together with what its histories remember and what the key says of the context. */
export interface Vertex {
  readonly snapshot: AnyMachineSnapshot
  readonly edges: readonly Edge[]
  /** The last edge of a shortest path from the start. */
  readonly cameBy: Edge | undefined
}

export interface Edge {
  readonly from: Vertex
  readonly event: AnyEventObject
  readonly observation: Observation
  readonly to: Vertex
}

/** Everything that can happen after one start. */
export interface Walk {
  readonly input: unknown
  readonly start: Observation
  /** In the order in which they are found: the first is where it starts. */
  readonly vertices: readonly Vertex[]
}

export interface WalkOptions extends Occurrences {
  /** What of the context makes two states different, beside the state value and its histories: small, or the walk does not end. */
  readonly key: (snapshot: AnyMachineSnapshot) => unknown
  readonly limit: number
}

/** An observation in the shape that XState's graph functions walk over. */
type Visit = Snapshot<unknown> & { readonly observation: Observation }

/** A vertex whose edges are not all known yet. */
interface Found extends Vertex {
  readonly edges: Edge[]
  cameBy: Edge | undefined
}

export function walk(observed: ObservedMachine, input: unknown, options: WalkOptions): Walk {
  const start = visit(observed.start(input))
  const keyOf = ({ observation: { snapshot } }: Visit): string =>
    JSON.stringify([snapshot.value, remembered(snapshot), options.key(snapshot)], written)
  let events = 0
  const map = getAdjacencyMap(logicOf(observed, start, options.limit), {
    events: ({ observation }) => occurring(options, observation.snapshot),
    serializeState: keyOf,
    // Events need to differ within one state only, and may hold what can't be written as JSON.
    serializeEvent: () => String(events++),
  })

  const vertices = new Map<string, Found>()
  for (const [key, { state }] of Object.entries(map)) {
    vertices.set(key, { snapshot: state.observation.snapshot, edges: [], cameBy: undefined })
  }
  const reached = new Set([keyOf(start)])
  for (const { state, event, nextState } of adjacencyMapToArray(map)) {
    const from = vertices.get(keyOf(state))
    const to = vertices.get(keyOf(nextState))
    if (from === undefined || to === undefined) continue
    const edge = { from, event, observation: nextState.observation, to }
    from.edges.push(edge)
    if (!reached.has(keyOf(nextState))) to.cameBy = edge
    reached.add(keyOf(nextState))
  }
  return { input, start: start.observation, vertices: [...vertices.values()] }
}

function logicOf(observed: ObservedMachine, start: Visit, limit: number): ActorLogic<Visit, AnyEventObject, unknown> {
  let steps = 0
  return {
    getInitialSnapshot: () => start,
    getPersistedSnapshot: (snapshot) => snapshot,
    transition({ observation }, event) {
      if (++steps > limit) throw tooLong(observed, limit)
      return visit(stepped(observed, observation.snapshot, event))
    },
  }
}

/** Of each history the states to which it leads, in whatever order they were left. */
function remembered({ historyValue }: AnyMachineSnapshot): readonly string[] {
  return Object.entries(historyValue)
    .map(([history, nodes]) => [history, ...nodes.map(({ id }) => id).toSorted()].join(' '))
    .toSorted()
}

/** What JSON has nothing for, and would write alike or not at all. */
function written(_name: string, value: unknown): unknown {
  if (value instanceof Map || value instanceof Set) return [...value]
  return typeof value === 'bigint' ? String(value) : value
}

/** What the machine's own code throws says nothing of where that was. */
function stepped(observed: ObservedMachine, snapshot: AnyMachineSnapshot, event: AnyEventObject): Observation {
  try {
    return observed.next(snapshot, event)
  } catch (cause) {
    const at = `${observed.machine.id} fails in ${JSON.stringify(snapshot.value)} at ${event.type}`
    const what = cause instanceof Error ? cause.message : String(cause)
    throw new SyncError(
      'machine-fails',
      `${at}: ${what} Look at what is done there, and at whether \`events\` and \`outputs\` hold what it needs.`,
      { cause },
    )
  }
}

function visit(observation: Observation): Visit {
  return { status: 'active', output: undefined, error: undefined, observation }
}

function tooLong({ machine }: ObservedMachine, limit: number): SyncError {
  return new SyncError(
    'endless-walk',
    `The walk through ${machine.id} did not end within ${limit} steps. Let \`key\` leave out, or cap, what grows in the context; or raise \`limit\`.`,
  )
}
