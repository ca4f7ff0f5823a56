import type { TraceLine } from '../../src/core/trace.ts'
import { el, svg } from './dom.ts'

const SHOWN = 40
const COLUMN_PX = 130
const ROW_PX = 22
const TOP_PX = 34

export type Message = Extract<TraceLine, { type: 'event' }>

/** The last messages between actors, one below the other. */
export function createSequence() {
  const element = el('section', { class: 'sequence', tabindex: 0, 'aria-label': 'Messages between actors' })

  function arrow({ from, to, event, fields }: Message, y: number, columns: readonly string[]): SVGElement {
    const x = (actor: string): number => COLUMN_PX / 2 + columns.indexOf(actor) * COLUMN_PX
    const end = x(to)
    const start = from === undefined ? end - COLUMN_PX / 2 + 8 : x(from)
    const way = start === end ? `M${start} ${y - 6}h18v10h-14` : `M${start} ${y}H${end - Math.sign(end - start) * 5}`
    const about = Object.entries(fields ?? {}).map(([name, value]) => `${name}=${String(value)}`)
    const label = svg(
      'text',
      { x: start === end ? start + 22 : (start + end) / 2, y: y - 4, 'text-anchor': start === end ? 'start' : 'middle' },
      event,
    )
    return svg(
      'g',
      { class: 'message' },
      svg('title', {}, [event, ...about].join(' ')),
      svg('path', { d: way, 'marker-end': 'url(#arrow)' }),
      label,
    )
  }

  return {
    element,
    show(messages: readonly Message[], nameOf: (actor: string) => string): void {
      const last = messages.slice(-SHOWN)
      if (last.length === 0) return element.replaceChildren(el('p', { class: 'nothing' }, 'No messages yet.'))
      const columns = [...new Set(last.flatMap(({ from, to }) => (from === undefined ? [to] : [from, to])))]
      const [width, height] = [columns.length * COLUMN_PX, TOP_PX + last.length * ROW_PX + 10]
      const heads = columns.flatMap((actor, index) => {
        const x = COLUMN_PX / 2 + index * COLUMN_PX
        return [
          svg('text', { x, y: 16, 'text-anchor': 'middle', class: 'head' }, nameOf(actor)),
          svg('path', { d: `M${x} 24V${height}`, class: 'life' }),
        ]
      })
      const head = svg(
        'marker',
        { id: 'arrow', viewBox: '0 0 8 8', refX: 4, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
        svg('path', { d: 'M0 0L8 4L0 8z' }),
      )
      const arrows = last.map((message, index) => arrow(message, TOP_PX + (index + 1) * ROW_PX - 6, columns))
      element.replaceChildren(
        svg(
          'svg',
          { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `The last ${last.length} messages` },
          svg('defs', {}, head),
          ...heads,
          ...arrows,
        ),
      )
    },
  }
}
