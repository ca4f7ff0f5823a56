import { detailsIn, LABEL_PADDING, PADDING, titleOf } from './graph.ts'
import type { Point, Rect } from './geometry.ts'
import type { Box, Drawing, Line } from './layout.ts'
import { ROW_HEIGHT, type Group, type Row } from './rows.ts'
import { STYLE } from './style.ts'
import { escapeXml } from './text.ts'

const CORNER = 6
const HEAD = 7

/** The drawing as SVG: what a state or a transition is called there is `state:<id>` or `transition:<id>`. */
export function svgOf(drawing: Drawing): string {
  const { root, width, height, boxes, dots, lines } = drawing
  const name = escapeXml(root.key)
  const bundles = [...new Set(lines.map(({ connection }) => connection.bundle))]
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="synchart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>The states and transitions of the ${name} machine</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${width}" height="${height}" rx="8"/>`,
    ...boxes.map((box) => stateOf(box, boxes)),
    ...dots.map(({ id, rect }) => dotOf(id, rect)),
    ...bundles.map((bundle) => edgeOf(lines.filter(({ connection }) => connection.bundle === bundle))),
    '</svg>',
  ]
  return `${parts.filter(Boolean).join('\n')}\n`
}

function stateOf({ state, rect, title, details }: Box, boxes: readonly Box[]): string {
  const isRegion = boxes.some(({ state: other }) => other.type === 'parallel' && other.states.includes(state))
  const isLeaf = state.states.length === 0
  const groups = detailsIn(state)
  return [
    `<g id="state:${escapeXml(state.id)}" class="state ${state.type}${isRegion ? ' region' : ''}">`,
    rectangle(rect, 6),
    ...(state.type === 'final' ? [rectangle(inset(rect, 3), 4)] : []),
    isLeaf
      ? centred(title, titleOf(state))
      : `<text class="title" x="${title.x + PADDING}" y="${title.y + 17}">${escapeXml(titleOf(state))}</text>`,
    ...(isLeaf && groups.length > 0 ? [`<path d="M${rect.x} ${title.y + title.height}h${rect.width}"/>`] : []),
    groupsOf(groups, details.x, details.y + (isLeaf ? 3 : 0)),
    '</g>',
  ].join('')
}

function centred({ x, y, width }: Rect, text: string): string {
  return `<text class="title" x="${x + width / 2}" y="${y + 17}" text-anchor="middle">${escapeXml(text)}</text>`
}

function dotOf(id: string, { x, y, width }: Rect): string {
  const radius = width / 2
  return `<circle id="${escapeXml(id)}" class="dot" cx="${x + radius}" cy="${y + radius}" r="${radius}"/>`
}

function edgeOf(lines: readonly Line[]): string {
  const paths = lines.map(({ points }) => `<path class="line" d="${pathOf(points)}"/>${headOf(points)}`)
  return `<g class="edge">${[...paths, ...lines.map(labelOf)].join('')}</g>`
}

function labelOf({ connection, label }: Line): string {
  if (label === undefined) return ''
  return rectangle(label, 5, 'chip') + groupsOf(connection.groups, label.x + LABEL_PADDING, label.y + LABEL_PADDING - 1)
}

function rectangle({ x, y, width, height }: Rect, radius: number, className?: string): string {
  return `<rect${className ? ` class="${className}"` : ''} x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`
}

function inset({ x, y, width, height }: Rect, by: number): Rect {
  return { x: x + by, y: y + by, width: width - 2 * by, height: height - 2 * by }
}

function groupsOf(groups: readonly Group[], x: number, top: number): string {
  let y = top - 4
  const drawn = (row: Row): string => {
    y += ROW_HEIGHT
    return `<text x="${x + row.indent}" y="${y}">${row.spans.map(({ kind, text }) => `<tspan class="${kind}">${escapeXml(text)}</tspan>`).join(' ')}</text>`
  }
  return groups
    .map(({ head, entries, tail }) => {
      const above = head.map(drawn)
      const members = entries.map(({ transition, rows }) => {
        const text = rows.map(drawn).join('')
        return transition === undefined ? text : `<g id="transition:${escapeXml(transition)}" class="transition">${text}</g>`
      })
      const all = [...above, ...members, ...tail.map(drawn)].join('')
      return head.length + tail.length > 0 ? `<g class="together">${all}</g>` : all
    })
    .join('')
}

/** Rounded at each bend, as far as the parts beside it leave room. */
function pathOf(points: readonly Point[]): string {
  return points
    .map((point, index) => {
      const [before, after] = [points[index - 1], points[index + 1]]
      if (before === undefined) return `M${point.x} ${point.y}`
      if (after === undefined) return `L${point.x} ${point.y}`
      const radius = Math.min(CORNER, distance(before, point) / 2, distance(point, after) / 2)
      const [start, end] = [towards(point, before, radius), towards(point, after, radius)]
      return `L${start.x} ${start.y}Q${point.x} ${point.y} ${end.x} ${end.y}`
    })
    .join('')
}

function headOf(points: readonly Point[]): string {
  const [before, tip] = points.slice(-2)
  if (before === undefined || tip === undefined) return ''
  const [dx, dy] = [Math.sign(tip.x - before.x), Math.sign(tip.y - before.y)]
  const [x, y] = [tip.x - dx * HEAD, tip.y - dy * HEAD]
  return `<path class="head" d="M${tip.x} ${tip.y}L${x - dy * 4} ${y + dx * 4}L${x + dy * 4} ${y - dx * 4}z"/>`
}

function distance(a: Point, b: Point): number {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y)
}

function towards(from: Point, to: Point, by: number): Point {
  return { x: round(from.x + Math.sign(to.x - from.x) * by), y: round(from.y + Math.sign(to.y - from.y) * by) }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
