/** The format of docs/trace-format.md. A reader refuses a trace of a higher one. */
export const TRACE_FORMAT = 1

/** A state as XState tells it: its name, or its regions with theirs. */
export type TraceValue = string | { readonly [region: string]: TraceValue | undefined }

/** What the allow-lists let through. */
export type TraceFields = Readonly<Record<string, string | number | boolean>>

export type ActorStatus = 'active' | 'done' | 'error' | 'stopped'

/** The first line of a trace. */
export interface TraceHeader {
  readonly type: 'header'
  readonly product: 'synchart'
  readonly format: number
  /** Of the product. Another one may have other machines. */
  readonly version: string
  readonly at: number
  readonly machines: readonly string[]
  /** Lines that were there before and had to make room. */
  readonly dropped: number
}

/** What happened at one instant; `at` is wall-clock time in milliseconds. Actors have names that hold for one trace: `a1`, `a2`, … */
export type TraceLine = { readonly at: number } & (
  | {
      /** An actor was made, or was there when the trace begins. */
      readonly type: 'actor'
      readonly actor: string
      /** What XState calls it, as `slot-1` or `lock`. */
      readonly name: string
      /** The id of its machine; absent for promises and callbacks. */
      readonly machine?: string | undefined
      readonly parent?: string | undefined
      /** Which engine it belongs to, where a trace has more than one. */
      readonly engine?: string | undefined
    }
  | {
      /** An event was sent. Without `from` by the engine itself, or the application. */
      readonly type: 'event'
      readonly from?: string | undefined
      readonly to: string
      readonly event: string
      readonly fields?: TraceFields | undefined
    }
  | {
      /** One microstep of a machine: the transitions, by their ids in the drawings, and where it is after them. */
      readonly type: 'step'
      readonly actor: string
      readonly event: string
      readonly taken: readonly string[]
      readonly value: TraceValue
      /** Absent while it is active. */
      readonly status?: ActorStatus | undefined
    }
  | {
      /** Where an actor is, told at its start and when one that is no machine ends. */
      readonly type: 'state'
      readonly actor: string
      readonly value?: TraceValue | undefined
      readonly status: ActorStatus
    }
  | {
      /** A call of a port has ended. */
      readonly type: 'port'
      readonly port: 'transport' | 'storage'
      readonly call: string
      readonly ok: boolean
      /** What the transport made of it, or the code of the error. */
      readonly result?: string | undefined
      readonly ms: number
      readonly engine?: string | undefined
    }
  | {
      /** The engine told an event of its own. */
      readonly type: 'notice'
      readonly event: string
      readonly fields?: TraceFields | undefined
      readonly engine?: string | undefined
    }
)

/** An actor at one instant. */
export interface TracedActor {
  readonly actor: string
  readonly name: string
  readonly machine: string | undefined
  readonly parent: string | undefined
  readonly engine: string | undefined
  readonly status: ActorStatus
  readonly value: TraceValue | undefined
  /** By its last microstep. */
  readonly taken: readonly string[]
  readonly event: string | undefined
  readonly since: number
}

export type TracedActors = Map<string, TracedActor>

const NONE: readonly string[] = []

/** Takes the actors one line further. Those that have ended are no longer there. */
export function advance(actors: TracedActors, line: TraceLine): void {
  if (line.type === 'actor') {
    const { actor, name, machine, parent, engine, at } = line
    const made = { value: undefined, taken: NONE, event: undefined, status: 'active', since: at } as const
    actors.set(actor, { actor, name, machine, parent, engine, ...made })
  } else if (line.type === 'step') {
    move(actors, line.actor, line.status, { value: line.value, taken: line.taken, event: line.event, since: line.at })
  } else if (line.type === 'state') {
    move(actors, line.actor, line.status, { ...(line.value === undefined ? {} : { value: line.value }), since: line.at })
  }
}

function move(actors: TracedActors, name: string, status: ActorStatus = 'active', change: Partial<TracedActor>): void {
  const known = actors.get(name)
  if (known === undefined) return
  if (status === 'active') actors.set(name, { ...known, ...change })
  else actors.delete(name)
}

/** The lines that lead from nothing to these actors. */
export function linesTo(actors: TracedActors, at: number): readonly TraceLine[] {
  return [...actors.values()].flatMap(({ actor, name, machine, parent, engine, value, status }) => [
    { type: 'actor', at, actor, name, machine, parent, engine },
    { type: 'state', at, actor, value, status },
  ])
}

/**
 * Where lines were left out: a notice that says how many, and what leads from the actors that were there before them to those that are there now.
 */
export function linesAcross(
  before: Iterable<string>,
  now: TracedActors,
  at: number,
  missing: number,
  engine?: string,
): readonly TraceLine[] {
  const gone = [...before].filter((actor) => !now.has(actor))
  return [
    { type: 'notice', at, event: 'inspector:left-out', fields: { lines: missing }, engine },
    ...gone.map((actor): TraceLine => ({ type: 'state', at, actor, status: 'stopped' })),
    ...linesTo(now, at),
  ]
}
