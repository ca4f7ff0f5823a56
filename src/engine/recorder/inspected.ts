import { StateMachine, type AnyTransitionDefinition, type StateValue } from 'xstate'
import type { ActorStatus, TraceLine } from '../../core/trace.ts'
import type { ToldEvent } from '../tell-directly.ts'
import { eventFields } from './allowed.ts'

type Inspected<Type extends ToldEvent['type']> = Extract<ToldEvent, { type: Type }>
type Ref = ToldEvent['actorRef']

const INIT = 'xstate.init'
const FAILED = 'xstate.error.actor.'
/** XState counts actors over the whole process. */
const COUNTED = /^x:\d+$/

/** Makes lines of what XState tells. Actors are numbered as they appear, so that the same run gives the same names. */
export function createInspected(write: (line: TraceLine) => void): (event: ToldEvent, at: number) => void {
  const names = new WeakMap<Ref, string>()
  /** By its transition: nearly every step takes one, and the ring keeps thousands of steps. */
  const alone = new WeakMap<AnyTransitionDefinition, readonly string[]>()
  let count = 0

  function nameOf(ref: Ref, at: number): string {
    return names.get(ref) ?? appeared(ref, at)
  }

  /** Who was not told of is above the engine, and the application's. */
  function toldOf(ref: Ref | undefined): string | undefined {
    return ref && names.get(ref)
  }

  function appeared(ref: Ref, at: number): string {
    const parent = parentOf(ref)
    const above = toldOf(parent)
    const actor = `a${++count}`
    names.set(ref, actor)
    const machine = machineOf(ref)
    const id = 'id' in ref && typeof ref.id === 'string' && !COUNTED.test(ref.id) ? ref.id : (machine ?? 'actor')
    write({ type: 'actor', at, actor, name: id, machine, parent: above })
    return actor
  }

  function idsOf(taken: readonly AnyTransitionDefinition[]): readonly string[] {
    const [first] = taken
    if (first === undefined || taken.length > 1) return taken.map(idOf)
    const known = alone.get(first)
    if (known !== undefined) return known
    const ids = [idOf(first)]
    alone.set(first, ids)
    return ids
  }

  function sent({ sourceRef, actorRef, event }: Inspected<'@xstate.event'>, at: number): void {
    const from = toldOf(sourceRef)
    const to = nameOf(actorRef, at)
    if (from !== undefined && event.type.startsWith(FAILED) && names.has(actorRef))
      write({ type: 'state', at, actor: from, status: 'error' })
    write({ type: 'event', at, from, to, event: event.type, fields: eventFields(event) })
  }

  function stepped({ actorRef, event, snapshot, _transitions: taken }: Inspected<'@xstate.microstep'>, at: number): void {
    write({
      type: 'step',
      at,
      actor: nameOf(actorRef, at),
      event: event.type,
      taken: idsOf(taken),
      value: valueOf(snapshot) ?? '',
      status: endOf(snapshot.status),
    })
  }

  function settled({ actorRef, snapshot }: Inspected<'@xstate.snapshot'>, at: number): void {
    write({ type: 'state', at, actor: nameOf(actorRef, at), value: valueOf(snapshot), status: snapshot.status })
  }

  return (event, at) => {
    if (event.type === '@xstate.event') sent(event, at)
    else if (event.type === '@xstate.microstep') stepped(event, at)
    else if (event.type === '@xstate.snapshot') settled(event, at)
    else if (event.type === '@xstate.actor') nameOf(event.actorRef, at)
  }
}

/** Most of what XState tells says nothing that another event does not say: actions, where a machine has settled, and an event that led nowhere. */
export function isWorthALine(event: ToldEvent): boolean {
  if (event.type === '@xstate.action') return false
  if (event.type === '@xstate.microstep') return hasMoved(event)
  if (event.type !== '@xstate.snapshot' || event.event.type === INIT) return true
  return event.snapshot.status !== 'active' && valueOf(event.snapshot) === undefined
}

function hasMoved({ _transitions: taken, snapshot }: Inspected<'@xstate.microstep'>): boolean {
  return taken.length > 0 || snapshot.status !== 'active'
}

/** As the drawings call it: source, event and index among the transitions of that event. */
function idOf(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition
  const siblings = eventType === '' ? source.always : source.transitions.get(eventType)
  return `${[source.machine.id, ...source.path].join('.')}:${eventType}:${siblings?.indexOf(transition) ?? 0}`
}

function parentOf(ref: Ref): Ref | undefined {
  const { _parent: parent }: { readonly _parent?: unknown; readonly sessionId: string } = ref
  return isRef(parent) ? parent : undefined
}

function isRef(value: unknown): value is Ref {
  return typeof value === 'object' && value !== null && 'sessionId' in value && 'send' in value && 'getSnapshot' in value
}

function machineOf(ref: Ref): string | undefined {
  return 'logic' in ref && ref.logic instanceof StateMachine ? ref.logic.id : undefined
}

function valueOf(snapshot: object): StateValue | undefined {
  return 'value' in snapshot && 'machine' in snapshot && isValue(snapshot.value) ? snapshot.value : undefined
}

function isValue(value: unknown): value is StateValue {
  return typeof value === 'string' || (typeof value === 'object' && value !== null)
}

function endOf(status: ActorStatus): ActorStatus | undefined {
  return status === 'active' ? undefined : status
}
