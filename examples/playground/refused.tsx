import type { FormEvent, ReactElement } from 'react'
import type { OperationInfo } from 'synchart'
import { useDeadLetters, useEntity, useOperations, useSyncEngine } from 'synchart/react'
import { attempt } from './attempt.ts'
import { inputsOf } from './form.ts'
import { fieldsOf, textOf, type Task } from './task.ts'

/** What the server refused for good, and what was tried too often: nothing becomes of it until somebody sees to it. */
export function useRefused(): readonly OperationInfo[] {
  const rejected = useDeadLetters()
  const parked = useOperations().filter(({ status, conflict }) => status === 'parked' && conflict === undefined)
  return [...rejected, ...parked]
}

/** To be sent again, otherwise if need be, or given up. */
export function Refused(): ReactElement | null {
  const refused = useRefused()
  if (refused.length === 0) return null
  return (
    <section id="refused" className="panel" aria-label="Refused">
      <h2>Refused</h2>
      {refused.map((operation) => (
        <Letter key={operation.id} operation={operation} />
      ))}
    </section>
  )
}

function Letter({ operation }: { readonly operation: OperationInfo }): ReactElement {
  const { id, entityId, status, lastError } = operation
  const { operations } = useSyncEngine()
  const { entity } = useEntity<Task>('task', entityId)
  const payload = fieldsOf(operation.payload)
  // One that was tried too often may be on the server, as it is.
  const isEditable = status === 'rejected' && payload['title'] !== undefined
  const sendAgain = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const inputs = inputsOf(event)
    attempt('title' in inputs ? operations.edit(id, { ...payload, ...inputs }) : operations.retry(id))
  }
  return (
    <form onSubmit={sendAgain}>
      <p>
        <b>{whatIs(operation, entity?.value.title ?? textOf('title', payload['title']))}</b>{' '}
        <span className="quiet">{lastError?.message}</span>
      </p>
      <footer>
        {isEditable && <input name="title" aria-label="Title" defaultValue={textOf('title', payload['title'])} required />}
        <button>Send again</button>
        <button type="button" onClick={() => attempt(operations.discard(id))}>
          Give up
        </button>
      </footer>
    </form>
  )
}

function whatIs({ type, payload }: OperationInfo, title: string): string {
  const { title: renamed, column } = fieldsOf(payload)
  if (type === 'create') return `New task “${title}”:`
  if (type === 'delete') return `Deletion of “${title}”:`
  return renamed === undefined ? `Move of “${title}” to ${textOf('column', column)}:` : `New title of “${title}”:`
}
