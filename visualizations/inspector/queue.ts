import type { EngineStatus, QueueRow } from '../../src/devtools/wire.ts'
import { el, short } from './dom.ts'
import type { Moment, TracedOperation } from './moment.ts'
import { shortId } from './names.ts'

/** As it was told, and when. */
export type Statuses = ReadonlyMap<string, EngineStatus & { readonly at: number }>

const SHOWN = 100
/** Nothing more happens to these until somebody decides. */
const FOR_SOMEBODY = new Set<unknown>(['rejected', 'parked'])

/** What waits, in its lane, and why; of a trace, what it tells of the operations. */
export function createQueue(timeText: (time: number) => string) {
  const element = el('section', { class: 'queue', tabindex: 0, 'aria-label': 'Queue' })
  let shown = ''

  function live(statuses: Statuses): readonly HTMLElement[] {
    return [...statuses].flatMap(([engine, { summary, waiting, queue, deadLetters = [], at }]) => [
      el('h3', {}, `${short(engine)}: ${waiting} waiting${queue.length < waiting ? `, the first ${queue.length} of them` : ''}`),
      el('p', {}, `${summary} (${timeText(at)})`),
      queue.length === 0
        ? el('p', { class: 'nothing' }, 'Nothing waits to be sent.')
        : el('ol', {}, ...queue.map((row) => entry(summary, row))),
      ...(deadLetters.length === 0
        ? []
        : [
            el('h3', { class: 'worrying' }, `Rejected: ${deadLetters.length} for somebody to retry, edit or discard`),
            el('ol', {}, ...deadLetters.map((row) => entry(summary, row))),
          ]),
    ])
  }

  function entry(summary: string, row: QueueRow): HTMLElement {
    const { lane, type, operation, waitingFor, payload } = row
    const own = waitingFor.filter((reason) => !timeless(summary).includes(timeless(reason)))
    return el(
      'li',
      { title: operation },
      el('p', {}, el('b', {}, short(lane)), ` ${short(type)} `, el('code', {}, shortId(operation))),
      facts({ ...row, error: row.lastError, nextAt: row.nextWakeAt }),
      ...(own.length === 0 ? [] : [el('p', {}, `waits for ${own.join('; ')}`)]),
      el('p', { class: 'payload', title: payload }, short(payload, 1_000)),
    )
  }

  function told(operations: readonly TracedOperation[]): readonly HTMLElement[] {
    if (operations.length === 0) return [el('p', { class: 'nothing' }, 'No operation yet.')]
    const hasSeveral = new Set(operations.map(({ engine }) => engine)).size > 1
    const forSomebody = operations.filter(({ fields }) => FOR_SOMEBODY.has(fields['status'])).length
    return [
      ...(forSomebody === 0
        ? []
        : [
            el(
              'p',
              { class: 'worrying' },
              `${forSomebody} rejected or parked: for somebody to decide, unless that was done without a word in the trace.`,
            ),
          ]),
      el(
        'ol',
        {},
        ...operations
          .slice(-SHOWN)
          .toReversed()
          .map((one) => toldEntry(one, hasSeveral)),
      ),
    ]
  }

  function toldEntry({ id, fields, engine, error }: TracedOperation, isTagged: boolean): HTMLElement {
    const { status = '', attempts, nextAttemptAt, type = '', entity = '' } = fields
    const tag = isTagged && engine !== undefined ? [' ', el('span', { class: 'tag' }, short(engine, 60))] : []
    return el(
      'li',
      { title: id },
      el('p', {}, el('b', {}, short(`${type} ${entity}`)), ' ', el('code', {}, shortId(id)), ...tag),
      facts({
        status: String(status),
        attempts: typeof attempts === 'number' ? attempts : undefined,
        error: status === 'done' ? undefined : error,
        nextAt: typeof nextAttemptAt === 'number' ? nextAttemptAt : undefined,
      }),
    )
  }

  function facts({ status, attempts, error, nextAt }: Facts): HTMLElement {
    const texts = [
      ...(attempts === undefined ? [] : [`${attempts} attempt${attempts === 1 ? '' : 's'}`]),
      ...(nextAt === undefined ? [] : [`next at ${timeText(nextAt)}`]),
      ...(error === undefined ? [] : [`last error ${error}`]),
    ]
    const isWorrying = FOR_SOMEBODY.has(status)
    return el(
      'p',
      { class: 'facts' },
      el('span', { class: isWorrying ? 'worrying' : undefined }, short(status)),
      short(texts.map((text) => ` · ${text}`).join('')),
    )
  }

  return {
    element,
    /** `statuses` where it is now, of engines that can be asked. */
    show(moment: Moment, statuses: Statuses): void {
      const operations = [...moment.operations.values()]
      const key = JSON.stringify([[...statuses], operations])
      if (key === shown) return
      shown = key
      const heading = `Operations that the trace tells of, the latest first${operations.length > SHOWN ? `: ${SHOWN} of them` : ''}`
      element.replaceChildren(...live(statuses), el('h3', {}, heading), ...told(operations))
    },
  }
}

interface Facts {
  readonly status: string
  readonly attempts: number | undefined
  readonly error: string | undefined
  readonly nextAt: number | undefined
}

/** What holds the whole engine up stands above, at another millisecond. */
function timeless(text: string): string {
  return text.replaceAll(/\d+/g, '#')
}
