import type { AnyStateMachine, ContextFrom, EventFromLogic, SnapshotFrom } from 'xstate'

/** `holding.resting` for `{ holding: 'resting' }`. */
type PathOf<Value> = Value extends string
  ? Value
  : { [Key in keyof Value & string]: `${Key}.${PathOf<Value[Key]>}` }[keyof Value & string]

export type StateOf<Machine extends AnyStateMachine> = PathOf<SnapshotFrom<Machine>['value']>

type OfType<Event, Type> = Event extends { readonly type: Type } ? Event : never

/** Ways in which one event may come, each with a cell of its own. */
export interface Cases<Named> {
  readonly cases: Named
}

export function cases<const Named extends Readonly<Record<string, unknown>>>(named: Named): Cases<Named> {
  return { cases: named }
}

/** What comes, and what the context is then, where that matters. */
export interface Given<Payload, Context> {
  readonly given: Partial<Context>
  readonly comes: Payload | ((context: Context) => Payload)
}

export type Stimulus<Payload, Context> = Payload | ((context: Context) => Payload) | Given<Payload, Context>

/** Each event that the machine's type knows. */
export type Events<Machine extends AnyStateMachine> = {
  readonly [Type in EventFromLogic<Machine>['type']]: Stimuli<OfType<EventFromLogic<Machine>, Type>, ContextFrom<Machine>>
}

type Stimuli<Payload, Context> = Stimulus<Payload, Context> | Cases<Readonly<Record<string, Stimulus<Payload, Context>>>>

/**
 * The timers and the ends of actors that may come in each state, which XState's types don't tell. A transient state is left before
 * anything can come, a final one hears nothing any more.
 */
export type Own<Machine extends AnyStateMachine> = Readonly<Record<StateOf<Machine>, readonly string[] | 'transient' | 'final'>>

/** Nothing happens: the same state, the same context, no action. */
export const stays = 'stays'

export interface Move<State, Context> {
  readonly to: State
  /** Every action, in order. */
  readonly does?: readonly string[]
  /** Everything in the context that changes; what is named and stays as it was does no harm. */
  readonly sets?: { readonly [Key in keyof Context]?: unknown }
}

type Cell<Machine extends AnyStateMachine> = typeof stays | Move<StateOf<Machine>, ContextFrom<Machine>>

/** A cell for each case, or one that holds for all of them. */
type CellsFor<Machine extends AnyStateMachine, Stimuli> =
  | Cell<Machine>
  | (Stimuli extends Cases<infer Named> ? { readonly [Name in keyof Named]: Cell<Machine> } : never)

/** Each state with everything that may come in it: what is missing does not compile. */
export type Table<Machine extends AnyStateMachine, Outer, Inner extends Own<Machine>, OwnEvents> = {
  readonly [State in StateOf<Machine> as Inner[State] extends string ? never : State]: {
    readonly [Type in keyof Outer]: CellsFor<Machine, Outer[Type]>
  } & {
    readonly [Name in Inner[State][number]]: CellsFor<Machine, Name extends keyof OwnEvents ? OwnEvents[Name] : undefined>
  }
}

export interface TableOf<Machine extends AnyStateMachine, Outer, Inner extends Own<Machine>, OwnEvents> {
  readonly events: Outer
  readonly own: Inner
  /** What they come with, where that matters. */
  readonly ownEvents: OwnEvents
  readonly table: Table<Machine, Outer, Inner, OwnEvents>
}

/** Only gives the parts of a table their types. */
export function tableOf<Machine extends AnyStateMachine>() {
  return <
    const Outer extends Events<Machine>,
    const Inner extends Own<Machine>,
    const OwnEvents extends Readonly<Record<string, unknown>>,
  >(
    definition: TableOf<Machine, Outer, Inner, OwnEvents>,
  ): TableOf<Machine, Outer, Inner, OwnEvents> => definition
}
