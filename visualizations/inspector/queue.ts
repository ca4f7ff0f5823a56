import type { EngineStatus, QueueRow } from '../../src/devtools/wire.ts'
import { el, short, table } from './dom.ts'
import type { Moment, TracedOperation } from './moment.ts'
import { shortId } from './names.ts'

/** As it was told, and when. */
export type Statuses = ReadonlyMap<string, EngineStatus & { readonly at: number }>

const SHOWN = 100

/** What waits, in its lane, and why; of a trace, what it tells of the operations. */
export function createQueue(timeText: (time: number) => string) {
  const element = el('section', { class: 'queue', tabindex: 0, 'aria-label': 'Queue' })
  let shown = ''

  function entry(
    summary: string,
    { lane, type, operation, status, attempts, waitingFor, nextWakeAt, lastError, payload }: QueueRow,
  ): HTMLElement {
    const wake = nextWakeAt === undefined ? [] : [`goes on at ${timeText(nextWakeAt)}`]
    const error = lastError === undefined ? [] : [`last error ${lastError}`]
    const facts = [status, `${attempts} attempt${attempts === 1 ? '' : 's'}`, ...wake, ...error]
    const own = waitingFor.filter((reason) => !timeless(summary).includes(timeless(reason)))
    const reasons = own.length === 0 ? [] : [el('p', {}, `waits for ${own.join('; ')}`)]
    return el(
      'li',
      { title: operation },
      el('p', {}, el('b', {}, short(lane)), ` ${short(type)} `, el('code', {}, shortId(operation))),
      el('p', { class: 'facts' }, short(facts.join(' · '))),
      ...reasons,
      el('p', { class: 'payload', title: payload }, short(payload, 1_000)),
    )
  }

  const live = (statuses: Statuses): readonly HTMLElement[] =>
    [...statuses].flatMap(([engine, { summary, waiting, queue, at }]) => [
      el('h3', {}, `${engine}: ${waiting} waiting${queue.length < waiting ? `, the first ${queue.length} of them` : ''}`),
      el('p', {}, `${summary} (${timeText(at)})`),
      queue.length === 0
        ? el('p', { class: 'nothing' }, 'Nothing waits.')
        : el('ol', {}, ...queue.map((row) => entry(summary, row))),
    ])

  return {
    element,
    /** `statuses` where it is now, of engines that can be asked. */
    show(moment: Moment, statuses: Statuses): void {
      const told = [...moment.operations.values()]
        .slice(-SHOWN)
        .toReversed()
        .map((one) => rowOf(one, timeText))
      const key = JSON.stringify([[...statuses], told])
      if (key === shown) return
      shown = key
      element.replaceChildren(
        ...live(statuses),
        el('h3', {}, `As the trace tells, the last ${SHOWN} that it names`),
        table(['operation', 'status', 'next attempt', 'last error'], told, 'No operation yet.'),
      )
    },
  }
}

/** What holds the whole engine up stands above, at another millisecond. */
function timeless(text: string): string {
  return text.replaceAll(/\d+/g, '#')
}

function rowOf({ id, fields, engine }: TracedOperation, timeText: (time: number) => string): readonly string[] {
  const next = fields['nextAttemptAt']
  const text = (name: string): string => String(fields[name] ?? '')
  const tried = text('attempts')
  return [
    [text('type'), engine, text('entity'), shortId(id)].filter(Boolean).join(' '),
    tried === '' ? text('status') : `${text('status')}, tried ${tried} ×`,
    typeof next === 'number' ? timeText(next) : '',
    text('error'),
  ]
}
