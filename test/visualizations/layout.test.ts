import { describe, expect, it } from 'vitest'
import { detailsIn } from '../../visualizations/generate/graph.ts'
import { overlap, segmentsOf, type Rect } from '../../visualizations/generate/geometry.ts'
import { layOut, type Box, type Drawing } from '../../visualizations/generate/layout.ts'
import { modelOf } from '../../visualizations/generate/model.ts'
import { sizeOf } from '../../visualizations/generate/rows.ts'
import { subjects } from './subjects.ts'

interface Named extends Rect {
  readonly name: string
}

const drawings = new Map<string, Drawing>()
for (const [id, machine] of subjects) drawings.set(id, await layOut(modelOf(machine)))

/** Where something is written: on lines, in the titles of states and below them. */
function textsOf({ boxes, lines }: Drawing): readonly Named[] {
  const labels = lines.flatMap(({ connection, label }) => (label ? [{ ...label, name: connection.id }] : []))
  return [...labels, ...boxes.flatMap(headersOf)]
}

function headersOf({ state, title, details }: Box): readonly Named[] {
  const size = sizeOf(detailsIn(state))
  const below = size.height === 0 ? [] : [{ ...details, ...size, name: `details of ${state.id}` }]
  return [{ ...title, name: `title of ${state.id}` }, ...below]
}

function isLeaf({ state }: Box): boolean {
  return state.states.length === 0
}

function isInside(inner: Rect, outer: Rect): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  )
}

describe('the layout of a machine', () => {
  it.each(subjects)('F7 %s: no text lies on another', (id) => {
    const texts = textsOf(drawings.get(id)!)
    const clashes = texts.flatMap((a, index) => texts.slice(index + 1).flatMap((b) => (overlap(a, b) ? [[a.name, b.name]] : [])))
    expect(clashes).toEqual([])
  })

  it.each(subjects)('F7 %s: no text of a line lies on a state', (id) => {
    const { boxes, lines } = drawings.get(id)!
    const labels = lines.flatMap(({ connection, label }) => (label ? [{ ...label, name: connection.id }] : []))
    expect(labels.length).toBeGreaterThan(3)
    const onLeaves = labels.flatMap((label) =>
      boxes.filter((box) => isLeaf(box) && overlap(label, box.rect)).map(({ state }) => [label.name, state.id]),
    )
    const acrossBorders = labels.flatMap((label) =>
      boxes
        .filter(({ rect }) => overlap(label, rect) && !isInside(label, rect) && !isInside(rect, label))
        .map(({ state }) => [label.name, state.id]),
    )
    expect([...onLeaves, ...acrossBorders]).toEqual([])
  })

  it.each(subjects)('F7 %s: no line runs through the text of something else', (id) => {
    const drawing = drawings.get(id)!
    const texts = textsOf(drawing)
    const crossed = drawing.lines.flatMap(({ connection, points }) =>
      segmentsOf(points).flatMap((segment) =>
        texts
          .filter((text) => text.name !== connection.id && overlap(segment, inset(text)))
          .map((text) => [connection.id, text.name]),
      ),
    )
    expect(crossed).toEqual([])
  })

  it.each(subjects)('F7 %s: no state lies on another, but in those that it is part of', (id) => {
    const { boxes } = drawings.get(id)!
    for (const a of boxes) {
      for (const b of boxes.filter((other) => other !== a)) {
        if (a.state.id.startsWith(`${b.state.id}.`)) expect(isInside(a.rect, b.rect)).toBe(true)
        else if (!b.state.id.startsWith(`${a.state.id}.`))
          expect([a.state.id, b.state.id, overlap(a.rect, b.rect)]).toContain(false)
      }
    }
  })

  it.each(subjects)('F7 %s: every line is drawn in right angles, from its source to its target', (id) => {
    const { boxes, dots, lines } = drawings.get(id)!
    const places = new Map<string, Rect>([
      ...boxes.map(({ state, rect }) => [state.id, rect] as const),
      ...dots.map((dot) => [dot.id, dot.rect] as const),
    ])
    for (const { connection, points } of lines) {
      expect(segmentsOf(points).every(({ width, height }) => width === 0 || height === 0)).toBe(true)
      expect(touches(points[0]!, places.get(connection.source)!)).toBe(true)
      expect(touches(points.at(-1)!, places.get(connection.target)!)).toBe(true)
    }
  })

  it.each(subjects)('F7 %s: every coordinate is a whole number', (id) => {
    const numbers = JSON.stringify(drawings.get(id), (key, value: unknown) =>
      key === 'root' || key === 'state' ? undefined : value,
    ).match(/-?\d+(?:\.\d+)?(?=[,}])/g)!
    expect(numbers.filter((number) => !Number.isInteger(Number(number)))).toEqual([])
  })
})

/** A line ends at the border of a box, which its own text may touch. */
function inset({ x, y, width, height }: Rect): Rect {
  return { x: x + 1, y: y + 1, width: width - 2, height: height - 2 }
}

function touches({ x, y }: { readonly x: number; readonly y: number }, rect: Rect): boolean {
  const near = { x: rect.x - 1, y: rect.y - 1, width: rect.width + 2, height: rect.height + 2 }
  return isInside({ x, y, width: 0, height: 0 }, near)
}
