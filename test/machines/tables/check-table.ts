import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  getNextTransitions,
  initialTransition,
  transition,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  type StateValue,
} from 'xstate'
import { actionTexts, eventName, shortestPaths, statesOf, transitionsOf, type Model } from '../../../src/testing/model/index.ts'
import { stays, type Move } from './table.ts'

type Context = Readonly<Record<string, unknown>>
type Cell = typeof stays | Move<string, Context>
type Row = Readonly<Record<string, Cell | Readonly<Record<string, Cell>>>>

interface AnyTable {
  readonly events: object
  readonly own: object
  readonly ownEvents: object
  readonly table: object
}

interface Case {
  readonly name: string
  readonly given: Context
  readonly comes: unknown
}

/** Runs a table: each cell is one pure transition of the machine itself, from a state that a generated path leads to. */
export function checkTable(machine: AnyStateMachine, model: Model, { events, own, ownEvents, table }: AnyTable): void {
  const stimuli: Context = { ...events, ...ownEvents }

  it('F1 the table has each state of the machine, and all that may come in it', () => {
    const defined = leavesOf(machine).map((node) => [nameOf(node), kindOf(node)])
    expect(sortedLists(own)).toEqual(Object.fromEntries(defined))
  })

  describe.each(Object.entries(table) as [string, Row][])('F1 in %s', (state, row) => {
    const cells = Object.entries(row).flatMap(([name, cell]) =>
      casesOf(stimuli[name]).map((one) => [`${name} ${one.name}`.trim(), name, one, cellFor(cell, one.name)] as const),
    )
    it.each(cells)('%s', (_, name, { given, comes }, cell) => {
      const before = snapshotIn(machine, model, state, given)
      const [after, actions] = transition(machine, before, eventOf(before, name, comes))
      const expected = { does: [], sets: {}, ...(cell === stays ? { to: state } : cell) }
      const keys = new Set([...changedKeys(before.context, after.context), ...Object.keys(expected.sets)])
      const sets = Object.fromEntries([...keys].map((key) => [key, after.context[key]]))
      expect({ to: pathOf(after.value), does: actionTexts(actions), sets }).toStrictEqual(expected)
    })
  })
}

function leavesOf(machine: AnyStateMachine): readonly AnyStateNode[] {
  return statesOf(machine).filter(({ type }) => type === 'atomic' || type === 'final')
}

function nameOf({ path }: AnyStateNode): string {
  return path.join('.')
}

/** What may come in a state that XState itself sends: to the state, or to one around it. */
function kindOf(node: AnyStateNode): readonly string[] | 'transient' | 'final' {
  if (node.type === 'final') return 'final'
  if (node.always?.at(-1)?.guard === undefined && node.always !== undefined) return 'transient'
  const around: AnyStateNode[] = []
  for (let each: AnyStateNode | undefined = node; each !== undefined; each = each.parent) around.push(each)
  const own = around.flatMap(transitionsOf).filter(({ eventType }) => eventType.startsWith('xstate.'))
  return [...new Set(own.map(({ source, eventType }) => eventName(source, eventType)))].toSorted()
}

function sortedLists(own: object): object {
  return Object.fromEntries(
    Object.entries(own).map(([state, kind]) => [state, Array.isArray(kind) ? kind.map(String).toSorted() : kind]),
  )
}

function casesOf(stimuli: unknown): readonly Case[] {
  if (!has(stimuli, 'cases')) return [caseOf('', stimuli)]
  return Object.entries(stimuli.cases as object).map(([name, stimulus]) => caseOf(name, stimulus))
}

function caseOf(name: string, stimulus: unknown): Case {
  return has(stimulus, 'given')
    ? { name, given: stimulus.given as Context, comes: Reflect.get(stimulus, 'comes') }
    : { name, given: {}, comes: stimulus }
}

function has<Key extends string>(value: unknown, key: Key): value is Readonly<Record<Key, unknown>> {
  return typeof value === 'object' && value !== null && key in value
}

function cellFor(cell: Row[string], name: string): Cell {
  return cell === stays || 'to' in cell ? (cell as Cell) : cell[name]!
}

function snapshotIn(machine: AnyStateMachine, model: Model, state: string, given: Context): AnyMachineSnapshot {
  const path = model.walks
    .flatMap(shortestPaths)
    .find(({ start, edges }) => pathOf((edges.at(-1)?.observation ?? start).snapshot.value) === state)
  let [snapshot] = initialTransition(machine, path?.input)
  for (const { event } of path?.edges ?? []) [snapshot] = transition(machine, snapshot, event)
  expect(pathOf(snapshot.value)).toBe(state)
  return { ...snapshot, context: { ...snapshot.context, ...given } }
}

/** An event of the machine's type, or what XState sends for a timer or an actor. */
function eventOf(snapshot: AnyMachineSnapshot, name: string, comes: unknown): AnyEventObject {
  const payload: unknown = typeof comes === 'function' ? comes(snapshot.context) : comes
  if (has(payload, 'type') && payload.type === name) return payload as AnyEventObject
  const type = getNextTransitions(snapshot).find(({ source, eventType }) => eventName(source, eventType) === name)!.eventType
  return { type, output: payload, error: payload }
}

function changedKeys(before: Context, after: Context): readonly string[] {
  return Object.keys(after).filter((key) => !isDeepStrictEqual(after[key], before[key]))
}

/** No machine is parallel. */
function pathOf(value: StateValue): string {
  if (typeof value === 'string') return value
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${pathOf(inner!)}`)
    .join('|')
}
