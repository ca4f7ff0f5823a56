import type { TraceLine } from '../../src/core/trace.ts'
import { el, say, short } from './dom.ts'
import { plain } from './names.ts'
import { ALL_TYPES, placeOf } from './search.ts'
import { numbered } from './texts.ts'

const ROW_PX = 20
const TYPES: Readonly<Record<TraceLine['type'], string>> = {
  event: 'events',
  step: 'transitions',
  notice: 'notices',
  port: 'ports',
  actor: 'actors',
  state: 'states',
}

export interface TimelineHooks {
  /** The filter has changed. */
  filter(text: string, types: readonly string[]): void
  go(at: number): void
  text(at: number): string
  time(at: number): string
  typeOf(at: number): string
}

/** All lines that pass the filter, of which only those in sight are in the page. */
export function createTimeline(hooks: TimelineHooks) {
  const search = el('input', {
    type: 'search',
    placeholder: 'Search: all words',
    'aria-label': 'Search the timeline',
  })
  const boxes = ALL_TYPES.map((type) => [type, el('input', { type: 'checkbox', checked: true })] as const)
  const labels = boxes.map(([type, box]) => el('label', {}, box, TYPES[type]))
  const count = el('span', { class: 'count', 'aria-live': 'polite' })
  const rows = el('div', { class: 'rows' })
  const list = el(
    'div',
    { class: 'list', tabindex: 0, role: 'listbox', 'aria-label': 'Timeline; arrow keys step through it' },
    rows,
  )
  /** All of the chosen line, whose row is cut off. */
  const detail = el('p', { class: 'detail', tabindex: 0, role: 'region', 'aria-label': 'The chosen line' })
  const element = el('section', { class: 'timeline' }, el('div', { class: 'filter' }, search, ...labels, count), list, detail)
  let follows = true

  const isNarrowed = (): boolean => search.value.trim() !== '' || boxes.some(([, box]) => !box.checked)
  const changed = (): void =>
    hooks.filter(
      search.value,
      boxes.flatMap(([type, box]) => (box.checked ? [type] : [])),
    )
  search.addEventListener('input', changed)
  for (const [, box] of boxes) box.addEventListener('change', changed)
  rows.addEventListener('click', ({ target }) => {
    const at = target instanceof Element ? target.closest<HTMLElement>('[data-at]')?.dataset['at'] : undefined
    if (at !== undefined) hooks.go(Number(at))
  })
  let redraw = (): void => {}
  list.addEventListener('scroll', () => redraw(), { passive: true })

  function row(at: number, place: number, cursor: number): HTMLElement {
    const attributes = {
      role: 'option',
      id: `line-${at}`,
      'data-at': at,
      // Not a class: the page around may have styles for such a name.
      'data-type': hooks.typeOf(at),
      class: 'row',
      'aria-selected': String(at === cursor),
    }
    const text = hooks.text(at)
    const made = el(
      'div',
      attributes,
      el('span', { class: 'time' }, hooks.time(at)),
      el('span', { class: 'text', title: text }, short(plain(text))),
    )
    made.style.top = `${place * ROW_PX}px`
    return made
  }

  function draw(found: readonly number[], cursor: number): void {
    const from = Math.max(0, Math.floor(list.scrollTop / ROW_PX) - 5)
    const to = Math.min(found.length, from + Math.ceil(list.clientHeight / ROW_PX) + 10)
    rows.style.height = `${found.length * ROW_PX}px`
    rows.replaceChildren(...found.slice(from, to).map((at, index) => row(at, from + index, cursor)))
    list.setAttribute('aria-activedescendant', `line-${cursor}`)
  }

  return {
    element,
    /** Keeps the cursor in sight while it moves. */
    show(found: readonly number[], cursor: number, moved: boolean, isComplete: boolean): void {
      count.textContent = found.length === 0 && isComplete && isNarrowed() ? 'nothing found' : `${numbered(found.length)} lines`
      say(detail, plain(hooks.text(cursor)))
      redraw = () => draw(found, cursor)
      rows.style.height = `${found.length * ROW_PX}px`
      const place = placeOf(found, cursor)
      const isSeen = place * ROW_PX >= list.scrollTop && (place + 2) * ROW_PX <= list.scrollTop + list.clientHeight
      follows = moved && !isSeen
      if (follows) list.scrollTop = Math.max(0, place * ROW_PX - list.clientHeight / 2)
      draw(found, cursor)
    },
  }
}
