import type { TraceLine } from '../../src/core/trace.ts'
import type { History } from './history.ts'
import { valueText } from './moment.ts'
import { plain } from './names.ts'

/** What a line says, for a person and for the search; `of` names an actor. */
export function lineText(line: TraceLine, of: (actor: string) => string): string {
  switch (line.type) {
    case 'actor':
      return `${of(line.actor)} starts`
    case 'event':
      return `${line.from === undefined ? '' : `${of(line.from)} `}→ ${of(line.to)} ${line.event}${fieldsText(line.fields)}`
    case 'step':
      return `${of(line.actor)} ${line.event} ⇒ ${valueText(line.value)}${line.status === undefined ? '' : ` ${line.status}`}`
    case 'state':
      return `${of(line.actor)} is ${line.status === 'active' ? valueText(line.value ?? 'active') : line.status}`
    case 'port':
      return `${line.port} ${line.call} ${line.ok ? 'ok' : 'failed'} ${line.result ?? ''} ${line.ms} ms`
    case 'notice':
      return `${line.event}${fieldsText(line.fields)}`
  }
}

function fieldsText(fields: Readonly<Record<string, unknown>> | undefined): string {
  return Object.entries(fields ?? {})
    .map(([name, value]) => ` ${name}=${String(value)}`)
    .join('')
}

export interface Filter {
  /** Words that must all be there; lower case. */
  readonly words: readonly string[]
  readonly types: ReadonlySet<string>
}

export const ALL_TYPES: readonly TraceLine['type'][] = ['event', 'step', 'notice', 'port', 'actor', 'state']

export function filterOf(text: string, types: Iterable<string>): Filter {
  return {
    words: text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== ''),
    types: new Set(types),
  }
}

/** Lines that are looked at within one frame. */
const AT_ONCE = 20_000

/** The numbers of the lines that pass; it grows with the history, and looks at each line once. */
export function createMatches(history: History) {
  let filter = filterOf('', ALL_TYPES)
  let found: number[] = []
  let seen = 0

  function passes(line: TraceLine): boolean {
    if (!filter.types.has(line.type)) return false
    if (filter.words.length === 0) return true
    const text = lineText(line, history.nameOf)
    // As the file has it, or as its row shows it.
    const said = `${text}\n${plain(text)}`.toLowerCase()
    return filter.words.every((word) => said.includes(word))
  }

  return {
    set(next: Filter): void {
      filter = next
      found = []
      seen = 0
    },
    /** Whether `list` has seen everything; if not, it goes on when it is asked again. */
    isComplete: (): boolean => seen === history.end(),
    /** Without those that were forgotten. */
    list(atOnce = AT_ONCE): readonly number[] {
      const from = Math.max(seen, history.first())
      const to = Math.min(history.end(), from + atOnce)
      for (let at = from; at < to; at++) {
        const line = history.line(at)
        if (line !== undefined && passes(line)) found.push(at)
      }
      seen = to
      if ((found[0] ?? Infinity) < history.first()) found = found.filter((at) => at >= history.first())
      return found
    },
  }
}

/** Where a number is, or would be, in an ascending list. */
export function placeOf(list: readonly number[], value: number): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}
