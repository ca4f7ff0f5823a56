import { el, table } from './dom.ts'
import type { Moment } from './moment.ts'
import { shortId } from './names.ts'
import type { Statuses } from './queue.ts'

const NAMES = ['entity', 'conflict', 'severity', 'strategy', 'resolution']

/** Conflicts that are open, with all sides; of a trace, what it tells of them. */
export function createConflicts() {
  const element = el('section', { class: 'conflicts', tabindex: 0, 'aria-label': 'Conflicts' })
  let shown = ''

  return {
    element,
    show(moment: Moment, statuses: Statuses): void {
      const told = [...moment.conflicts.values()].toReversed().map(({ id, fields }) => {
        const [entity = '', kind = '', severity = '', strategy = '', resolution = ''] = NAMES.map((name) =>
          String(fields[name] ?? ''),
        )
        return [`${entity} ${shortId(id)}`, `${kind}, ${severity}`, `${strategy}: ${resolution}`]
      })
      const open = [...statuses.values()].flatMap(({ conflicts }) => conflicts)
      const key = JSON.stringify([open, told])
      if (key === shown) return
      shown = key
      const details = open.map(({ operation, entity, type, severity, strategy, resolution, fields }) =>
        el(
          'details',
          { open: true },
          el('summary', {}, `${entity}: ${type}, ${severity}, ${strategy}, ${resolution} (${shortId(operation)})`),
          table(['field', 'base', 'local', 'remote'], fields, 'No field of its own.'),
        ),
      )
      element.replaceChildren(
        ...details,
        el('h3', {}, 'Conflicts that the trace tells of, the latest first'),
        table(['operation', 'kind', 'how it is settled'], told, 'No conflict.'),
      )
    },
  }
}
