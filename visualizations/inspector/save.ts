import { traceText } from '../../src/core/trace-text.ts'
import { el } from './dom.ts'
import type { History } from './history.ts'
import { copyOf } from './moment.ts'

/** Gives what is left of a history to the person as a file. */
export function saveTrace(history: History): void {
  const [first, end] = [history.first(), history.end()]
  const lines = Array.from({ length: end - first }, (_, index) => history.line(first + index)).filter(
    (line) => line !== undefined,
  )
  const { actors, alerts } = copyOf(history.moment(first - 1))
  const text = traceText({ actors, alerts, at: lines[0]?.at ?? 0 }, lines, first)
  const link = el('a', { download: 'trace.ndjson' })
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }))
  link.click()
  URL.revokeObjectURL(link.href)
}
