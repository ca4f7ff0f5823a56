import {
  getNextTransitions,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventFromLogic,
  type OutputFrom,
  type SnapshotFrom,
} from 'xstate'
import { checkEvent, checkList } from './check-options.ts'

/** A list, or what makes one for a state. */
export type Choices<Snapshot, Choice> = readonly Choice[] | ((snapshot: Snapshot) => readonly Choice[])

type OfType<Event, Type> = Event extends { readonly type: Type } ? Event : never

/** A conditional type, so that the compiler knows the machine before it reads a function: what that gives would be of the type `string` otherwise. */
type ChoicesOf<Machine extends AnyStateMachine, Choice> = Machine extends AnyStateMachine
  ? Choices<SnapshotFrom<Machine>, Choice>
  : never

/** The events that may come, of each type that the machine knows: a type that is left out does not compile, and one that no state heeds gets `[]`. */
export type EventChoices<Machine extends AnyStateMachine> = {
  readonly [Type in EventFromLogic<Machine>['type']]: ChoicesOf<Machine, OfType<EventFromLogic<Machine>, Type>>
}

type ActorsOf<Machine extends AnyStateMachine> = NonNullable<Parameters<Machine['provide']>[0]['actors']>

/** What the invoked actors may end with, by their source. One that is left out ends without an output. */
export type OutputChoices<Machine extends AnyStateMachine> = {
  readonly [Source in keyof ActorsOf<Machine>]?: ChoicesOf<Machine, OutputFrom<NonNullable<ActorsOf<Machine>[Source]>>>
}

/** What the invoked actors may show on their way, by their source: for `onSnapshot`. One that is left out shows nothing. */
export type SnapshotChoices<Machine extends AnyStateMachine> = {
  readonly [Source in keyof ActorsOf<Machine>]?: ChoicesOf<Machine, SnapshotFrom<NonNullable<ActorsOf<Machine>[Source]>>>
}

type BySource = Readonly<Record<string, Choices<AnyMachineSnapshot, unknown> | undefined>>

export interface Occurrences {
  readonly events: Readonly<Record<string, Choices<AnyMachineSnapshot, AnyEventObject>>>
  readonly outputs: BySource
  readonly snapshots: BySource
  readonly errors: readonly unknown[]
}

/** Everything that may happen in a state: the events of the outside, the timers that run, and what becomes of what is invoked. */
export function occurring(occurrences: Occurrences, snapshot: AnyMachineSnapshot): readonly AnyEventObject[] {
  if (snapshot.status !== 'active') return []
  return [
    ...Object.entries(occurrences.events).flatMap(([type, choices]) => eventsOf(type, choices, snapshot)),
    ...own(snapshot, occurrences),
  ]
}

function own(snapshot: AnyMachineSnapshot, { outputs, snapshots, errors }: Occurrences): readonly AnyEventObject[] {
  const invoked = new Map(
    getNextTransitions(snapshot).flatMap(({ source }) => source.invoke.map(({ id, src }) => [id, src] as const)),
  )
  const types = new Set(getNextTransitions(snapshot).map(({ eventType }) => eventType))
  return [...types].flatMap((type): readonly AnyEventObject[] => {
    if (type.startsWith('xstate.after.')) return [{ type }]
    const [, kind, actorId = ''] = /^xstate\.(done\.actor|error\.actor|snapshot)\.(.*)$/.exec(type) ?? []
    if (kind === 'error.actor') return errors.map((error) => ({ type, actorId, error }))
    const source = sourceName(invoked.get(actorId))
    if (kind === 'done.actor')
      return chosen(`outputs.${source}`, outputs[source] ?? [undefined], snapshot).map((output) => ({ type, actorId, output }))
    if (kind !== 'snapshot') return []
    return chosen(`snapshots.${source}`, snapshots[source] ?? [], snapshot).map((shown) => ({ type, snapshot: shown }))
  })
}

/** An actor that is not named in `setup` has no outputs by name. */
function sourceName(source: unknown): string {
  return typeof source === 'string' ? source : ''
}

function eventsOf(
  type: string,
  choices: Choices<AnyMachineSnapshot, AnyEventObject>,
  snapshot: AnyMachineSnapshot,
): readonly AnyEventObject[] {
  const events = chosen(`events.${type}`, choices, snapshot)
  for (const event of events) checkEvent(type, event)
  return events
}

function chosen<Choice>(
  path: string,
  choices: Choices<AnyMachineSnapshot, Choice>,
  snapshot: AnyMachineSnapshot,
): readonly Choice[] {
  const list = typeof choices === 'function' ? choices(snapshot) : choices
  checkList(path, list)
  return list
}
