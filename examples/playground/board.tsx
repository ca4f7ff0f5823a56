import { useState, type Dispatch, type FormEvent, type ReactElement, type SetStateAction } from 'react'
import type { Entity } from 'synchart'
import { useEntities, useSyncEngine } from 'synchart/react'
import { attempt } from './attempt.ts'
import { COLUMNS, NAMES, type Column, type Task } from './task.ts'
import { Why } from './why.tsx'

interface Titled {
  readonly task: Entity<Task>
  /** As it was when somebody began to type its title. */
  readonly begun: Entity<Task> | undefined
  readonly setTyping: Dispatch<SetStateAction<Entity<Task> | undefined>>
}

/** The tasks as the view shows them: what the server confirmed, with the changes of this device on top. One whose title is being typed stays where it is. */
export function Board(): ReactElement {
  const { entities, isLoading } = useEntities<Task>('task')
  const [typing, setTyping] = useState<Entity<Task>>()
  const begunOf = ({ id }: Entity<Task>) => (typing?.id === id ? typing : undefined)
  if (isLoading) return <p className="quiet">Opening the store …</p>
  return (
    <main className="board">
      {COLUMNS.map((column) => (
        <section key={column} aria-label={NAMES[column]}>
          <h2>{NAMES[column]}</h2>
          {column === 'todo' && <NewTask />}
          {entities
            .filter((task) => (begunOf(task) ?? task).value.column === column)
            .map((task) => (
              <Card key={task.id} task={task} begun={begunOf(task)} setTyping={setTyping} />
            ))}
        </section>
      ))}
    </main>
  )
}

function Card({ task, begun, setTyping }: Titled): ReactElement {
  const { id, value, status } = task
  const engine = useSyncEngine()
  const [isExplained, setExplained] = useState(false)
  const at = COLUMNS.indexOf(value.column)
  const change = (payload: Partial<Task>): void => attempt(engine.enqueue({ type: 'update', entity: 'task', id, payload }))
  const moveTo = (column: Column | undefined): void => {
    if (column !== undefined) change({ column })
  }
  return (
    <article className={`card ${status}`} data-status={status}>
      <Title task={task} begun={begun} setTyping={setTyping} />
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
        <button className="status" title="Why?" aria-expanded={isExplained} onClick={() => setExplained(!isExplained)}>
          {status}
        </button>
      </footer>
      {isExplained && <Why task={task} />}
    </article>
  )
}

/** What is being typed stays, whatever others make of the title meanwhile: it is a change of what it was begun on. */
function Title({ task, begun, setTyping }: Titled): ReactElement {
  const { id, value } = task
  const engine = useSyncEngine()
  const shown = begun?.value.title ?? value.title
  const rename = async (title: string): Promise<void> => {
    const madeOn = begun?.status === 'synced' ? { base: begun.value, baseVersion: begun.version } : {}
    if (title !== shown && title !== '')
      await engine.enqueue({ type: 'update', entity: 'task', id, payload: { title }, ...madeOn })
    setTyping((now) => (now === begun ? undefined : now))
  }
  return (
    <input
      key={shown}
      aria-label="Title"
      title={value.title}
      defaultValue={shown}
      onFocus={() => setTyping(task)}
      onBlur={({ target }) => attempt(rename(target.value.trim()))}
      onKeyDown={({ key, currentTarget }) => key === 'Enter' && currentTarget.blur()}
    />
  )
}

function NewTask(): ReactElement {
  const engine = useSyncEngine()
  const [title, setTitle] = useState('')
  /** What can't be kept is not lost: it can be typed otherwise. */
  const giveBack = (error: unknown): never => {
    setTitle((newer) => (newer === '' ? title : newer))
    throw error
  }
  const add = (event: FormEvent): void => {
    event.preventDefault()
    if (title.trim() === '') return
    const payload: Task = { title: title.trim(), column: 'todo' }
    const made = engine.enqueue({ type: 'create', entity: 'task', id: crypto.randomUUID(), payload })
    setTitle('')
    attempt(made.catch(giveBack))
  }
  return (
    <form onSubmit={add}>
      <input aria-label="New task" placeholder="New task" value={title} onChange={({ target }) => setTitle(target.value)} />
      <button>Add</button>
    </form>
  )
}
