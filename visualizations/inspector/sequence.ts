import type { TraceLine } from '../../src/core/trace.ts'
import { el, short, svg } from './dom.ts'
import { plain } from './names.ts'

const LEAST = 4
/** Columns share the width that there is; narrower than this, it is scrolled. */
const COLUMN_PX = 52
const ROW_PX = 24
/** Heads stand in two rows in turn. */
const HEAD_PX = 14
const TOP_PX = 44
const LETTER_PX = 6.6
/** Who sends what no actor has sent: the engine's own code, the application, or a timer. */
const NO_ACTOR = 'engine or app'

export interface Message {
  readonly at: number
  readonly event: Extract<TraceLine, { type: 'event' }>
}

/** As it is drawn: actors by their names, for one that is invoked again is the same to who looks. */
interface Arrow {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly name: string
  readonly about: string
}

/** The last messages between actors, one below the other; as many as there is room for. */
export function createSequence(go: (at: number) => void) {
  const element = el('section', { class: 'sequence', tabindex: 0, 'aria-label': 'Messages between actors' })
  let shown = ''
  element.addEventListener('click', ({ target }) => {
    const at = target instanceof Element ? target.closest<SVGElement>('[data-message]')?.dataset['message'] : undefined
    if (at !== undefined) go(Number(at))
  })

  function arrow({ at, from, to, name, about }: Arrow, row: number, columns: readonly string[], isLast: boolean): SVGElement {
    const y = TOP_PX + row * ROW_PX
    const columnPx = columnOf(columns)
    const width = columns.length * columnPx
    const x = (actor: string): number => columnPx / 2 + columns.indexOf(actor) * columnPx
    const half = (name.length * LETTER_PX) / 2
    const [start, end] = [x(from), x(to)]
    const isOwn = start === end
    const way = isOwn ? `M${start} ${y + 10}h18v9h-13` : `M${start} ${y + 18}H${end - Math.sign(end - start) * 5}`
    const beside = start + 24 + 2 * half > width ? start - 8 - half : start + 24 + half
    const middle = isOwn ? beside : (start + end) / 2
    return svg(
      'g',
      { class: isLast ? 'message current' : 'message', 'data-message': at },
      svg('title', {}, about),
      svg('rect', { x: 0, y, width, height: ROW_PX }),
      svg('path', { d: way, 'marker-end': 'url(#arrow)' }),
      svg('text', { x: Math.max(half, Math.min(middle, width - half)), 'text-anchor': 'middle', y: y + 13 }, name),
    )
  }

  function draw(messages: readonly Arrow[], columns: readonly string[]): SVGElement {
    const columnPx = columnOf(columns)
    const [width, height] = [columns.length * columnPx, TOP_PX + messages.length * ROW_PX + 8]
    const lifelines = columns.flatMap((name, index) => {
      const x = columnPx / 2 + index * columnPx
      const y = HEAD_PX * (1 + (index % 2))
      const text = short(name, Math.floor((2 * columnPx) / LETTER_PX) - 2)
      const half = (text.length * LETTER_PX) / 2
      const within = Math.max(half, Math.min(x, width - half))
      const head = svg('text', { x: within, y, 'text-anchor': 'middle', class: 'head' }, text)
      head.append(svg('title', {}, short(name)))
      return [head, svg('path', { d: `M${x} ${y + 6}V${height}`, class: 'life' })]
    })
    const head = svg(
      'marker',
      { id: 'arrow', viewBox: '0 0 8 8', refX: 4, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
      svg('path', { d: 'M0 0L8 4L0 8z' }),
    )
    const arrows = messages.map((message, index) => arrow(message, index, columns, index === messages.length - 1))
    return svg(
      'svg',
      { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `The last ${messages.length} messages` },
      svg('defs', {}, head),
      ...lifelines,
      ...arrows,
    )
  }

  /** The last message, with who sent and who got it. */
  function bringIntoSight(row: number, last: Arrow | undefined, columns: readonly string[]): void {
    const columnPx = columnOf(columns)
    const places = [last?.from, last?.to].map((actor) => columns.findIndex((column) => column === actor))
    const [left, right] = [(Math.min(...places) + 0.25) * columnPx, (Math.max(...places) + 0.75) * columnPx]
    element.scrollTop = TOP_PX + (row + 1) * ROW_PX - element.clientHeight + 8
    if (left < element.scrollLeft || right - left > element.clientWidth) element.scrollLeft = left
    else element.scrollLeft = Math.max(element.scrollLeft, right - element.clientWidth)
  }

  const columnOf = (columns: readonly string[]): number =>
    Math.max(COLUMN_PX, Math.floor(Math.min(160, (element.clientWidth - 4) / columns.length)))

  return {
    element,
    /** How many messages can be seen without scrolling. */
    room: (): number => Math.max(LEAST, Math.floor((element.clientHeight - TOP_PX - 24) / ROW_PX)),
    show(messages: readonly Message[], nameOf: (actor: string) => string): void {
      const key = `${element.clientWidth} ${messages.length} ${messages[0]?.at} ${messages.at(-1)?.at}`
      if (key === shown) return
      shown = key
      if (messages.length === 0) return element.replaceChildren(el('p', { class: 'nothing' }, 'No messages yet.'))
      const arrows = messages.map(({ at, event: { from, to, event, fields } }) => ({
        at,
        from: from === undefined ? NO_ACTOR : plain(nameOf(from)),
        to: plain(nameOf(to)),
        name: short(plain(event), 30),
        about: short([event, ...Object.entries(fields ?? {}).map(([name, value]) => `${name}=${String(value)}`)].join(' '), 500),
      }))
      const columns = [...new Set(arrows.flatMap(({ from, to }) => [from, to]))].toSorted(
        (a, b) => Number(a !== NO_ACTOR) - Number(b !== NO_ACTOR),
      )
      element.replaceChildren(draw(arrows, columns))
      bringIntoSight(arrows.length - 1, arrows.at(-1), columns)
    },
  }
}
