import { useState, type FormEvent, type ReactElement } from 'react'
import type { Entity } from 'synchart'
import { useEntities, useSyncEngine } from 'synchart/react'
import { attempt } from './attempt.ts'
import { COLUMNS, type Column, type Task } from './engine.ts'

const NAMES: Readonly<Record<Column, string>> = { todo: 'To do', doing: 'Doing', done: 'Done' }

/** The tasks as the view shows them: what the server confirmed, with the changes of this device on top. */
export function Board(): ReactElement {
  const { entities, isLoading } = useEntities<Task>('task')
  if (isLoading) return <p className="quiet">Opening the store …</p>
  return (
    <main className="board">
      {COLUMNS.map((column) => (
        <section key={column} aria-label={NAMES[column]}>
          <h2>{NAMES[column]}</h2>
          {entities
            .filter(({ value }) => value.column === column)
            .map((task) => (
              <Card key={task.id} task={task} />
            ))}
          {column === 'todo' && <NewTask />}
        </section>
      ))}
    </main>
  )
}

function Card({ task: { id, value, status } }: { readonly task: Entity<Task> }): ReactElement {
  const engine = useSyncEngine()
  const [why, setWhy] = useState('')
  const at = COLUMNS.indexOf(value.column)
  const change = (payload: Partial<Task>): void => attempt(engine.enqueue({ type: 'update', entity: 'task', id, payload }))
  const rename = (title: string): void => {
    if (title !== value.title && title !== '') change({ title })
  }
  const moveTo = (column: Column | undefined): void => {
    if (column !== undefined) change({ column })
  }
  const explain = async (): Promise<void> => {
    const operation = (await engine.operations.list()).find(({ entityId }) => entityId === id)
    setWhy(why === '' ? (await engine.explain(operation?.id)).summary : '')
  }
  return (
    <article className={`card ${status}`} data-status={status}>
      <input
        key={value.title}
        aria-label="Title"
        defaultValue={value.title}
        onBlur={({ target }) => rename(target.value.trim())}
        onKeyDown={({ key, currentTarget }) => key === 'Enter' && currentTarget.blur()}
      />
      <footer>
        <button aria-label="Move left" disabled={at === 0} onClick={() => moveTo(COLUMNS[at - 1])}>
          ←
        </button>
        <button aria-label="Move right" disabled={at === COLUMNS.length - 1} onClick={() => moveTo(COLUMNS[at + 1])}>
          →
        </button>
        <button aria-label="Delete" onClick={() => attempt(engine.enqueue({ type: 'delete', entity: 'task', id }))}>
          ×
        </button>
        <button className="status" title="Why?" onClick={() => attempt(explain())}>
          {status}
        </button>
      </footer>
      {why !== '' && <p className="why">{why}</p>}
    </article>
  )
}

function NewTask(): ReactElement {
  const engine = useSyncEngine()
  const [title, setTitle] = useState('')
  const add = (event: FormEvent): void => {
    event.preventDefault()
    if (title.trim() === '') return
    const payload: Task = { title: title.trim(), column: 'todo' }
    attempt(engine.enqueue({ type: 'create', entity: 'task', id: crypto.randomUUID(), payload }))
    setTitle('')
  }
  return (
    <form onSubmit={add}>
      <input aria-label="New task" placeholder="New task" value={title} onChange={({ target }) => setTitle(target.value)} />
      <button>Add</button>
    </form>
  )
}
