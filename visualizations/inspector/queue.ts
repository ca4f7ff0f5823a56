import type { EngineStatus } from '../../src/devtools/wire.ts'
import { el, table } from './dom.ts'
import type { Moment, TracedOperation } from './moment.ts'

export type Statuses = ReadonlyMap<string, EngineStatus>

/** What waits, in its lane, and why; of a trace, what it tells of the operations. */
export function createQueue(timeText: (time: number) => string) {
  const element = el('section', { class: 'queue', tabindex: 0, 'aria-label': 'Queue' })

  function live(statuses: Statuses): readonly HTMLElement[] {
    return [...statuses].flatMap(([engine, { summary, queue }]) => [
      el('p', {}, statuses.size > 1 ? `${engine}: ${summary}` : summary),
      table(
        ['lane', 'operation', 'status', 'attempts', 'waits for', 'next wake', 'last error', 'payload'],
        queue.map(({ lane, type, operation, status, attempts, waitingFor, nextWakeAt, lastError = '', payload }) => [
          lane,
          `${type} ${operation}`,
          status,
          String(attempts),
          waitingFor.join('; '),
          nextWakeAt === undefined ? '' : timeText(nextWakeAt),
          lastError,
          payload,
        ]),
        'Nothing waits.',
      ),
    ])
  }

  return {
    element,
    /** `statuses` where it is now, of engines that can be asked. */
    show(moment: Moment, statuses: Statuses | undefined): void {
      const then = (): HTMLElement =>
        table(
          ['operation', 'entity', 'status', 'attempts', 'next attempt', 'last error'],
          [...moment.operations.values()].toReversed().map((one) => rowOf(one, timeText)),
          'No operation yet.',
        )
      const shown = statuses === undefined || statuses.size === 0 ? [] : live(statuses)
      element.replaceChildren(...shown, el('h3', {}, 'As the trace tells'), then())
    },
  }
}

export function createConflicts() {
  const element = el('section', { class: 'conflicts', tabindex: 0, 'aria-label': 'Conflicts' })

  return {
    element,
    show(moment: Moment, statuses: Statuses | undefined): void {
      const told = [...moment.conflicts.values()].map(({ id, fields }) => [
        id,
        ...['entity', 'conflict', 'severity', 'strategy', 'resolution'].map((name) => String(fields[name] ?? '')),
      ])
      const open = [...(statuses?.values() ?? [])].flatMap(({ conflicts }) => conflicts)
      const details = open.map(({ operation, entity, type, severity, strategy, resolution, fields }) =>
        el(
          'details',
          { open: true },
          el('summary', {}, `${entity}: ${type}, ${severity}, ${strategy}, ${resolution} (${operation})`),
          table(['field', 'base', 'local', 'remote'], fields, 'No field of its own.'),
        ),
      )
      element.replaceChildren(
        ...details,
        el('h3', {}, 'As the trace tells'),
        table(['operation', 'entity', 'kind', 'severity', 'strategy', 'resolution'], told, 'No conflict.'),
      )
    },
  }
}

function rowOf({ id, fields, engine }: TracedOperation, timeText: (time: number) => string): readonly string[] {
  const next = fields['nextAttemptAt']
  const text = (name: string): string => String(fields[name] ?? '')
  return [
    `${text('type')} ${id}`,
    [engine, text('entity')].filter(Boolean).join(' '),
    text('status'),
    text('attempts'),
    typeof next === 'number' ? timeText(next) : '',
    text('error'),
  ]
}
