import type { TraceLine } from '../../src/core/trace.ts'
import { el, short, svg } from './dom.ts'
import { shortId } from './names.ts'

const LEAST = 10
const COLUMN_PX = 94
const ROW_PX = 24
const TOP_PX = 30
const NAME_LENGTH = 15
/** Where events come from that no actor sent: the engine's own code, the application, a timer. */
const OUTSIDE = ''

export interface Message {
  readonly at: number
  readonly event: Extract<TraceLine, { type: 'event' }>
}

/** The last messages between actors, one below the other; as many as there is room for. */
export function createSequence(go: (at: number) => void) {
  const element = el('section', { class: 'sequence', tabindex: 0, 'aria-label': 'Messages between actors' })
  let shown = ''
  element.addEventListener('click', ({ target }) => {
    const at = target instanceof Element ? target.closest<SVGElement>('[data-message]')?.dataset['message'] : undefined
    if (at !== undefined) go(Number(at))
  })

  function arrow({ at, event }: Message, row: number, columns: readonly string[], isLast: boolean): SVGElement {
    const y = TOP_PX + row * ROW_PX
    const x = (actor: string): number => COLUMN_PX / 2 + columns.indexOf(actor) * COLUMN_PX
    const [start, end] = [x(event.from ?? OUTSIDE), x(event.to)]
    const isOwn = start === end
    const way = isOwn ? `M${start} ${y + 10}h18v9h-13` : `M${start} ${y + 18}H${end - Math.sign(end - start) * 5}`
    const about = Object.entries(event.fields ?? {}).map(([name, value]) => ` ${name}=${String(value)}`)
    const place = isOwn ? { x: start + 22, 'text-anchor': 'start' } : { x: (start + end) / 2, 'text-anchor': 'middle' }
    return svg(
      'g',
      { class: isLast ? 'message current' : 'message', 'data-message': at },
      svg('title', {}, short(`${event.event}${about.join('')}`, 500)),
      svg('rect', { x: 0, y, width: columns.length * COLUMN_PX, height: ROW_PX }),
      svg('path', { d: way, 'marker-end': 'url(#arrow)' }),
      svg('text', { ...place, y: y + 13 }, short(event.event, 30)),
    )
  }

  function draw(messages: readonly Message[], columns: readonly string[], heads: readonly string[]): SVGElement {
    const [width, height] = [columns.length * COLUMN_PX, TOP_PX + messages.length * ROW_PX + 8]
    const lifelines = heads.flatMap((name, index) => {
      const x = COLUMN_PX / 2 + index * COLUMN_PX
      const head = svg('text', { x, y: 14, 'text-anchor': 'middle', class: 'head' }, short(name, NAME_LENGTH))
      head.append(svg('title', {}, short(name)))
      return [head, svg('path', { d: `M${x} 22V${height}`, class: 'life' })]
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

  return {
    element,
    /** How many messages can be seen without scrolling. */
    room: (): number => Math.max(LEAST, Math.floor((element.clientHeight - TOP_PX - 24) / ROW_PX)),
    show(messages: readonly Message[], nameOf: (actor: string) => string): void {
      const key = `${messages.length} ${messages[0]?.at} ${messages.at(-1)?.at}`
      if (key === shown) return
      shown = key
      if (messages.length === 0) return element.replaceChildren(el('p', { class: 'nothing' }, 'No messages yet.'))
      const columns = [...new Set(messages.flatMap(({ event: { from, to } }) => [from ?? OUTSIDE, to]))].toSorted(
        (a, b) => Number(a !== OUTSIDE) - Number(b !== OUTSIDE),
      )
      const heads = columns.map((actor) => (actor === OUTSIDE ? '(from outside)' : shortId(nameOf(actor))))
      element.replaceChildren(draw(messages, columns, heads))
    },
  }
}
