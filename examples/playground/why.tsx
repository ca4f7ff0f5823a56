import { useEffect, useState, type ReactElement } from 'react'
import type { Entity, Explanation } from 'synchart'
import { useSyncEngine } from 'synchart/react'
import type { Task } from './task.ts'

const AGAIN_MS = 1_000

/** What a task waits for, asked again and again, for it changes: the engine knows. */
export function Why({ task: { status, operationIds } }: { readonly task: Entity<Task> }): ReactElement {
  const engine = useSyncEngine()
  const [answer, setAnswer] = useState('…')
  const [first] = operationIds
  useEffect(() => {
    if (first === undefined) return
    const ask = (): void => void engine.explain(first).then(textOf, String).then(setAnswer)
    ask()
    const timer = setInterval(ask, AGAIN_MS)
    return () => clearInterval(timer)
  }, [engine, first, status])
  return <p className="why">{TEXTS[status] ?? answer}</p>
}

const TEXTS = {
  synced: 'The server has it; nothing waits.',
  pending: undefined,
  conflict: 'It was changed elsewhere too, and waits for your decision.',
}

/** Without the name of the task, for it stands on its card. */
function textOf({ summary, waitingFor, lastError }: Explanation): string {
  if (waitingFor.length === 0) return summary
  const error = lastError === undefined ? '' : ` The last attempt: ${lastError.message}`
  return `Waits for ${waitingFor.join(', and for ')}.${error}`
}
