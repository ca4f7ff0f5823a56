import { useState, type ReactElement } from 'react'
import type { ConflictDecision, ConflictInfo } from 'synchart'
import { useConflicts, useSyncEngine } from 'synchart/react'
import { attempt } from './attempt.ts'

/** One conflict at a time: what it was made on, what this device made of it, and what somebody else did. */
export function ConflictDialog(): ReactElement | null {
  const [conflict] = useConflicts()
  return conflict === undefined ? null : <Decision key={conflict.id} conflict={conflict} />
}

function Decision({ conflict: { id, entityId, fields, remote } }: { readonly conflict: ConflictInfo }): ReactElement {
  const { conflicts } = useSyncEngine()
  const [values, setValues] = useState(() => Object.fromEntries(fields.map(({ path, local }) => [path, textOf(local)])))
  const decide = (decision: ConflictDecision): void => attempt(conflicts.resolve(id, decision))
  const edited = { ...(isObject(remote) ? remote : {}), ...values }
  return (
    <dialog open aria-label="Conflict">
      <h2>Two changes of one task</h2>
      <table>
        <thead>
          <tr>
            <th>{entityId.slice(0, 8)}</th>
            <th>before</th>
            <th>yours</th>
            <th>theirs</th>
            <th>becomes</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(({ path, base, local, remote: theirs }) => (
            <tr key={path}>
              <th>{path}</th>
              <td>{textOf(base)}</td>
              <td>{textOf(local)}</td>
              <td>{textOf(theirs)}</td>
              <td>
                <input
                  aria-label={`${path} becomes`}
                  value={values[path]}
                  onChange={({ target }) => setValues({ ...values, [path]: target.value })}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {fields.length === 0 && <p>{remote === undefined ? 'It was deleted elsewhere.' : 'It was changed elsewhere.'}</p>}
      <footer>
        <button onClick={() => decide('local')}>Yours</button>
        <button onClick={() => decide('remote')}>Theirs</button>
        {fields.length > 0 && <button onClick={() => decide({ value: edited })}>As edited</button>}
      </footer>
    </dialog>
  )
}

function textOf(value: unknown): string {
  return value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value)
}

function isObject(value: unknown): value is Record<string, never> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
