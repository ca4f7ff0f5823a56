import type { ActorRefLike, AnyEventObject, InspectionEvent, Snapshot } from 'xstate'
import {
  breakerMachine,
  channelMachine,
  conflictMachine,
  connectivityMachine,
  engineMachine,
  lockMachine,
  operationMachine,
  pullMachine,
} from '../../../machines/index.ts'
import type { ActorStatus, TraceFields, TraceLine, TraceValue } from '../../core/trace.ts'

/** Has of an actor what inspectors read, and nothing that its machine holds. Nobody reaches the engine through it. */
interface StandIn extends ActorRefLike {
  readonly id: string
  readonly rootId: string
  readonly logic: { readonly config: unknown }
  readonly _parent: StandIn | undefined
  show(status: ActorStatus, value: TraceValue | undefined): Snapshot<unknown>
}

const MACHINES = [
  breakerMachine,
  channelMachine,
  conflictMachine,
  connectivityMachine,
  engineMachine,
  lockMachine,
  operationMachine,
  pullMachine,
]
/** As JSON, without the functions in them: it is all that a viewer draws, and `@statelyai/inspect` cuts what is nested deeper than ten levels. */
const CONFIGS = new Map(MACHINES.map(({ id, config }): [string, unknown] => [id, JSON.parse(JSON.stringify(config))]))

/** Makes XState's inspection events of the lines of a trace. */
export function createStandIns(prefix: string, tell: (event: InspectionEvent) => void): (line: TraceLine) => void {
  const present = new Map<string, StandIn>()

  /** One that has ended may still be spoken to. */
  function refOf(actor: string): StandIn {
    return present.get(actor) ?? standIn(`${prefix}:${actor}`, actor, undefined, undefined)
  }

  function appeared({ actor, name, machine, parent }: Extract<TraceLine, { type: 'actor' }>): void {
    const above = parent === undefined ? undefined : refOf(parent)
    const config = machine === undefined ? undefined : CONFIGS.get(machine)
    const actorRef = standIn(`${prefix}:${actor}`, name, config, above)
    present.set(actor, actorRef)
    tell({ type: '@xstate.actor', actorRef, rootId: actorRef.rootId })
  }

  function sent({ from, to, event, fields }: Extract<TraceLine, { type: 'event' }>): void {
    const actorRef = refOf(to)
    const sourceRef = from === undefined ? undefined : refOf(from)
    tell({ type: '@xstate.event', actorRef, sourceRef, rootId: actorRef.rootId, event: eventOf(event, fields) })
  }

  function moved(actor: string, status: ActorStatus, value: TraceValue | undefined, event: string): void {
    const actorRef = refOf(actor)
    const snapshot = actorRef.show(status, value)
    if (status !== 'active') present.delete(actor)
    tell({ type: '@xstate.snapshot', actorRef, rootId: actorRef.rootId, event: eventOf(event), snapshot })
  }

  return (line) => {
    if (line.type === 'actor') appeared(line)
    else if (line.type === 'event') sent(line)
    else if (line.type === 'step') moved(line.actor, line.status ?? 'active', line.value, line.event)
    else if (line.type === 'state') moved(line.actor, line.status, line.value, line.status === 'active' ? 'xstate.init' : '')
  }
}

function standIn(sessionId: string, id: string, config: unknown, parent: StandIn | undefined): StandIn {
  let value: TraceValue | undefined
  let snapshot = snapshotOf('active', value)
  return {
    sessionId,
    id,
    rootId: parent?.rootId ?? sessionId,
    logic: { config },
    _parent: parent,
    send: () => {},
    getSnapshot: () => snapshot,
    show(status, next) {
      value = next ?? value
      snapshot = snapshotOf(status, value)
      return snapshot
    },
  }
}

function snapshotOf(status: ActorStatus, value: TraceValue | undefined): Snapshot<unknown> {
  const snapshot = { status, value, context: {}, children: {}, output: undefined, error: undefined }
  return snapshot
}

/** Fields apart: one of them may be called `type`. */
function eventOf(type: string, fields?: TraceFields): AnyEventObject {
  return fields === undefined ? { type } : { type, fields }
}
