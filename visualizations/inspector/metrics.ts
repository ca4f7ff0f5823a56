import { el, svg } from './dom.ts'
import type { Second } from './rates.ts'

export const SECONDS = 120
const [WIDTH, HEIGHT] = [480, 70]

interface Line {
  readonly name: string
  readonly unit: string
  value(second: Second): number
}

const LINES: readonly Line[] = [
  { name: 'Completed', unit: '/s', value: ({ completed }) => completed },
  { name: 'Put off for a retry', unit: '/s', value: ({ retried }) => retried },
  { name: 'Refused or parked', unit: '/s', value: ({ failed }) => failed },
  { name: 'Requests', unit: '/s', value: ({ requests }) => requests },
  { name: 'Time of a request', unit: ' ms', value: ({ requests, requestMs }) => (requests === 0 ? 0 : requestMs / requests) },
  { name: 'Lines of the trace', unit: '/s', value: ({ lines }) => lines },
]

/** What happened in each of the last two minutes' seconds. */
export function createMetrics() {
  const element = el('section', { class: 'metrics', 'aria-label': 'Metrics' })

  function chart({ name, unit, value }: Line, seconds: readonly Second[]): HTMLElement {
    const values = seconds.map(value)
    const [most, now] = [Math.max(1, ...values), values.at(-1) ?? 0]
    const points = values.map(
      (one, index) => `${((index / (SECONDS - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 4 - (one / most) * (HEIGHT - 8)).toFixed(1)}`,
    )
    const text = `${name}: ${rounded(now)}${unit}, at most ${rounded(most)}${unit}`
    const drawing = svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': text },
      svg('polyline', { points: points.join(' ') }),
    )
    return el('figure', {}, el('figcaption', {}, text), drawing)
  }

  return {
    element,
    show: (seconds: readonly Second[], totals: readonly (readonly [string, string])[]): void =>
      element.replaceChildren(
        ...(totals.length === 0
          ? []
          : [el('dl', {}, ...totals.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))]),
        ...LINES.map((line) => chart(line, seconds)),
      ),
  }
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Math.round(value * 10) / 10)
}
