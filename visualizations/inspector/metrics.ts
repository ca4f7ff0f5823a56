import type { TracedAlert } from '../../src/core/trace-alerts.ts'
import type { Band } from './bands.ts'
import { el, short, svg } from './dom.ts'
import { isWorrying } from './glance.ts'
import { shortId } from './names.ts'
import type { Statuses } from './queue.ts'
import type { Second } from './rates.ts'

export const SECONDS = 120
const [WIDTH, HEIGHT] = [240, 44]
const BAND_HEIGHT = 14
/** Characters of a figure that stands beside another. */
const SHORT = 10

interface Line {
  readonly name: string
  readonly unit: string
  /** Undefined where it is not known. */
  value(second: Second): number | undefined
}

const LINES: readonly Line[] = [
  { name: 'Waiting', unit: '', value: ({ waiting }) => waiting },
  { name: 'Health', unit: ' %', value: ({ health }) => health },
  { name: 'Completed', unit: '/s', value: ({ completed }) => completed },
  { name: 'Put off', unit: '/s', value: ({ retried }) => retried },
  { name: 'Refused', unit: '/s', value: ({ failed }) => failed },
  { name: 'Requests', unit: '/s', value: ({ requests }) => requests },
  {
    name: 'Request',
    unit: ' ms',
    value: ({ requests, requestMs }) => (requests === 0 ? undefined : requestMs / requests),
  },
  { name: 'Lines', unit: '/s', value: ({ lines }) => lines },
]

const WHAT_IT_MEANS: Readonly<Record<string, string>> = {
  'breaker-open': 'the server fails, and nothing is sent',
  'dead-letter': 'an operation was rejected, and nobody has seen to it',
  'stuck-operation': 'an operation has not ended for too long',
  'no-owner': 'operations wait, and nobody sends them',
  'quota-near': 'the room for this origin is almost used up',
}

export interface Measured {
  readonly seconds: readonly Second[]
  readonly bands: readonly Band[]
  readonly alerts: readonly TracedAlert[]
  readonly statuses: Statuses
}

/** Whether the engines can do their work, and what came of it in the last two minutes. */
export function createMetrics(timeText: (time: number) => string) {
  const element = el('section', { class: 'metrics', tabindex: 0, 'aria-label': 'Metrics' })
  let shown = ''

  function alertRow({ alert, engine, operation, since }: TracedAlert): HTMLElement {
    const meaning = Object.hasOwn(WHAT_IT_MEANS, alert) ? `: ${WHAT_IT_MEANS[alert]}` : ''
    const about = operation === undefined ? '' : ` (${shortId(operation)})`
    return el(
      'li',
      {},
      el('b', {}, short(alert)),
      short(`${meaning}${about}, since ${timeText(since)}${engine === undefined ? '' : `, ${engine}`}`),
    )
  }

  return {
    element,
    show(measured: Measured): void {
      const key = JSON.stringify({
        ...measured,
        statuses: [...measured.statuses].map(([engine, { totals }]) => [engine, totals]),
      })
      if (key === shown) return
      shown = key
      const { seconds, bands, alerts, statuses } = measured
      const totals = [...statuses].flatMap(([engine, one]) => [
        el('h3', {}, short(engine)),
        el(
          'dl',
          {},
          ...one.totals.map(([name, value]) =>
            el(
              'div',
              { class: value.length > SHORT ? 'long' : undefined },
              el('dt', {}, short(name)),
              el('dd', {}, short(value)),
            ),
          ),
        ),
      ])
      element.replaceChildren(
        el('h3', {}, 'Alerts'),
        alerts.length === 0
          ? el('p', { class: 'nothing' }, 'None is raised.')
          : el('ul', { class: 'alerts' }, ...alerts.map(alertRow)),
        el('h3', {}, 'The last two minutes'),
        el('div', { class: 'bands' }, ...named(bands).flatMap(bandRow)),
        el('div', { class: 'charts' }, ...LINES.flatMap((line) => chart(line, seconds))),
        ...totals,
      )
    },
  }
}

/** As they are called: with the engine where there are several, one engine below the other. */
function named(bands: readonly Band[]): readonly (readonly [name: string, band: Band])[] {
  const hasSeveral = new Set(bands.map(({ engine }) => engine)).size > 1
  return bands
    .map((band): readonly [string, Band] => [
      hasSeveral && band.engine !== undefined ? `${band.engine} ${band.machine}` : band.machine,
      band,
    ])
    .toSorted(([, a], [, b]) => (a.engine ?? '').localeCompare(b.engine ?? ''))
}

function bandRow([name, { parts }]: readonly [name: string, band: Band]): readonly Element[] {
  const [from, to] = [parts[0]?.from ?? 0, parts.at(-1)?.to ?? 0]
  const now = parts.at(-1)?.value ?? ''
  const scale = WIDTH / (SECONDS * 1_000)
  const rects = parts.map((part) => {
    const x = WIDTH - (to - part.from) * scale
    const attributes = { x, y: 0, width: Math.max(0.5, (part.to - part.from) * scale), height: BAND_HEIGHT }
    return svg(
      'rect',
      { ...attributes, class: isWorrying(part.value) ? 'worrying' : 'well' },
      svg('title', {}, short(part.value)),
    )
  })
  const worry = parts.filter(({ value }) => isWorrying(value)).reduce((sum, part) => sum + part.to - part.from, 0)
  const told = `${name} is ${now}; ${Math.round((100 * worry) / Math.max(1, to - from))} % of the time something was amiss`
  return [
    el('span', {}, short(name, 60)),
    svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${BAND_HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': short(told) },
      ...rects,
    ),
    el('span', { class: isWorrying(now) ? 'worrying' : undefined }, short(now, 60)),
  ]
}

/** None of what nobody has told. */
function chart({ name, unit, value }: Line, seconds: readonly Second[]): readonly HTMLElement[] {
  const known = seconds.flatMap((second, index) => {
    const one = value(second)
    return one === undefined ? [] : [[index, one] as const]
  })
  if (known.length === 0) return []
  const now = known.at(-1)?.[1] ?? 0
  const most = Math.max(...known.map(([, one]) => one))
  const scale = Math.max(1, most)
  const points = known.map(
    ([index, one]) => `${((index / (SECONDS - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 3 - (one / scale) * (HEIGHT - 6)).toFixed(1)}`,
  )
  const text = `${rounded(now)}${unit}, max ${rounded(most)}`
  const drawing = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${name}: ${text}` },
    svg('polyline', { points: points.join(' ') }),
  )
  return [el('figure', {}, el('figcaption', {}, el('b', {}, name), ` ${text}`), drawing)]
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Math.round(value * 10) / 10)
}
