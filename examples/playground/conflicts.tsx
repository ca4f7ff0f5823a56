import type { FormEvent, ReactElement } from 'react'
import type { ConflictDecision, ConflictInfo, FieldConflict } from 'synchart'
import { useConflicts, useEntity, useSyncEngine } from 'synchart/react'
import { attempt } from './attempt.ts'
import { inputsOf } from './form.ts'
import { COLUMNS, NAMES, fieldsOf, textOf, type Task } from './task.ts'

const WHAT: Readonly<Record<ConflictInfo['type'], string>> = {
  'update-update': 'was changed here and elsewhere',
  'update-delete': 'was changed here and deleted elsewhere',
  'delete-update': 'was deleted here and changed elsewhere',
  'create-create': 'was made here and elsewhere',
  version: 'was changed here and elsewhere',
}

export interface ConflictsProps {
  /** Those that somebody put off. */
  readonly later: readonly string[]
  readonly onLater: (id: string) => void
}

/** One conflict at a time. */
export function Conflicts({ later, onLater }: ConflictsProps): ReactElement | null {
  const conflict = useConflicts().find(({ id }) => !later.includes(id))
  if (conflict === undefined) return null
  return <Decision key={conflict.id} conflict={conflict} onLater={() => onLater(conflict.id)} />
}

interface DecisionProps {
  readonly conflict: ConflictInfo
  readonly onLater: () => void
}

/** What a change was made on, what this device made of it, and what somebody else did. */
function Decision({ conflict, onLater }: DecisionProps): ReactElement {
  const { id, type, entityId, fields, payload, remote } = conflict
  const { conflicts } = useSyncEngine()
  const { entity } = useEntity<Task>('task', entityId)
  const decide = (decision: ConflictDecision): void => attempt(conflicts.resolve(id, decision))
  const decideAsEdited = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    decide({ value: { ...fieldsOf(remote), ...inputsOf(event) } })
  }
  // One that was deleted is not seen any more.
  const title = entity?.value.title ?? textOf('title', fieldsOf(remote)['title'] ?? fieldsOf(payload)['title'])
  return (
    <form id="conflicts" className="panel" aria-label="Conflict" onSubmit={decideAsEdited}>
      <h2>
        “{title}” {WHAT[type]}
      </h2>
      {fields.length > 0 && <Sides fields={fields} />}
      <footer>
        <button type="button" title="What this device made of it" onClick={() => decide('local')}>
          Yours
        </button>
        <button type="button" title="What the server has" onClick={() => decide('remote')}>
          Theirs
        </button>
        {fields.length > 0 && <button title="What stands in the last column">As edited</button>}
        <button type="button" title="It waits; the line at the top leads back here" onClick={onLater}>
          Later
        </button>
      </footer>
    </form>
  )
}

function Sides({ fields }: { readonly fields: readonly FieldConflict[] }): ReactElement {
  return (
    <table>
      <thead>
        <tr>
          <th />
          <th>before</th>
          <th>yours</th>
          <th>theirs</th>
          <th>becomes</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ path, base, local, remote }) => (
          <tr key={path}>
            <th>{path}</th>
            <td>{textOf(path, base)}</td>
            <td>{textOf(path, local)}</td>
            <td>{textOf(path, remote)}</td>
            <td>
              <Edit path={path} value={typeof local === 'string' ? local : ''} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Edit({ path, value }: { readonly path: string; readonly value: string }): ReactElement {
  const label = `${path} becomes`
  if (path !== 'column') return <input name={path} aria-label={label} defaultValue={value} required />
  return (
    <select name={path} aria-label={label} defaultValue={value}>
      {COLUMNS.map((column) => (
        <option key={column} value={column}>
          {NAMES[column]}
        </option>
      ))}
    </select>
  )
}
