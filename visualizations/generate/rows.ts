import { isInternal, type State, type Transition } from './model.ts'
import { FONT_SIZE } from './style.ts'
import { widthOf } from './text.ts'

export const ROW_HEIGHT = 16
const INDENT = 12
const SPACE = widthOf(' ', FONT_SIZE)

/** A word or more that are never parted, and the class that colours them. */
export interface Span {
  readonly kind: 'event' | 'own' | 'guard' | 'action' | 'word'
  readonly text: string
}

export interface Row {
  readonly indent: number
  readonly spans: readonly Span[]
}

/** One transition, or what a state does by itself, in as many rows as it needs. */
export interface Entry {
  readonly transition: string | undefined
  readonly rows: readonly Row[]
}

/** What stands together: the candidates of one event below its name, or many events above what they all do. */
export interface Group {
  readonly head: readonly Row[]
  readonly entries: readonly Entry[]
  readonly tail: readonly Row[]
}

/** What a state does on entry and exit, whom it invokes, and what it answers without leaving. */
export function detailsOf(state: State, maxWidth: number): readonly Group[] {
  const lists = [
    ['entry', state.entry],
    ['exit', state.exit],
    ['invoke', state.invoked],
  ] as const
  const entries = lists
    .filter(([, names]) => names.length > 0)
    .map(([word, names]) => ({ transition: undefined, rows: wrap([{ kind: 'word', text: word }, ...actions(names)], maxWidth) }))
  const own = entries.length > 0 ? [{ head: [], entries, tail: [] }] : []
  return [...own, ...groupsOf(state.transitions.filter(isInternal), maxWidth)]
}

/** So many events that do the same are listed above it. */
const MANY = 3

export function groupsOf(transitions: readonly Transition[], maxWidth: number): readonly Group[] {
  const keys = transitions.map((transition) => groupKey(transition, transitions))
  return [...new Set(keys)].map((key) => {
    const members = transitions.filter((_, index) => keys[index] === key)
    return key.startsWith('deed') ? sharedGroup(members, maxWidth) : eventGroup(members, maxWidth)
  })
}

function groupKey(transition: Transition, all: readonly Transition[]): string {
  const deed = deedOf(transition)
  const isAlone = ({ event }: Transition): boolean => all.filter((other) => other.event === event).length === 1
  const alike = all.filter((other) => deedOf(other) === deed && isAlone(other))
  return deed !== '' && isAlone(transition) && alike.length >= MANY ? `deed ${deed}` : `event ${transition.event}`
}

function eventGroup(candidates: readonly Transition[], maxWidth: number): Group {
  const [first] = candidates
  const isOne = candidates.length === 1
  const head = isOne || first === undefined ? [] : [{ indent: 0, spans: [nameOf(first)] }]
  const entries = candidates.map((each) => ({
    transition: each.id,
    rows: wrap([...(isOne ? [nameOf(each)] : []), ...deed(each)], maxWidth, isOne ? 0 : INDENT),
  }))
  return { head, entries, tail: [] }
}

function sharedGroup(transitions: readonly Transition[], maxWidth: number): Group {
  const entries = transitions.map((each) => ({ transition: each.id, rows: wrap([nameOf(each)], maxWidth) }))
  return { head: [], entries, tail: transitions.slice(0, 1).flatMap((each) => wrap(deed(each), maxWidth, INDENT)) }
}

function rowsOf(groups: readonly Group[]): readonly Row[] {
  return groups.flatMap(({ head, entries, tail }) => [...head, ...entries.flatMap(({ rows }) => rows), ...tail])
}

export function sizeOf(groups: readonly Group[]): { readonly width: number; readonly height: number } {
  const rows = rowsOf(groups)
  return { width: Math.max(0, ...rows.map(widthOfRow)), height: rows.length * ROW_HEIGHT }
}

/** On what condition, and what is done. */
function deed(transition: Transition): readonly Span[] {
  const { guard, reenter, targets, actions: names } = transition
  const spans: Span[] = []
  if (guard !== undefined) spans.push({ kind: 'guard', text: `[${guard}]` })
  if (targets.length === 0 && names.length === 0) spans.push({ kind: 'word', text: 'ignored' })
  if (targets.length > 0 && isInternal(transition)) spans.push({ kind: 'word', text: reenter ? 're-enters' : 'stays' })
  return [...spans, ...actions(names)]
}

export function deedOf(transition: Transition): string {
  return deed(transition)
    .map(({ text }) => text)
    .join(' ')
}

function nameOf({ event, isOwnEvent }: Transition): Span {
  return { kind: isOwnEvent ? 'own' : 'event', text: event }
}

function actions(names: readonly string[]): readonly Span[] {
  return names.map((name, index) => ({
    kind: 'action',
    text: `${index === 0 ? '/ ' : ''}${name}${index < names.length - 1 ? ',' : ''}`,
  }))
}

function wrap(spans: readonly Span[], maxWidth: number, indent = 0): readonly Row[] {
  const rows: Row[] = []
  let row: Row = { indent, spans: [] }
  for (const span of spans) {
    const longer = { ...row, spans: [...row.spans, span] }
    if (row.spans.length > 0 && widthOfRow(longer) > maxWidth) {
      rows.push(row)
      row = { indent: indent + INDENT, spans: [span] }
    } else row = longer
  }
  return [...rows, row]
}

function widthOfRow({ indent, spans }: Row): number {
  const gaps = SPACE * Math.max(0, spans.length - 1)
  return indent + gaps + spans.reduce((sum, { text }) => sum + widthOf(text, FONT_SIZE), 0)
}
