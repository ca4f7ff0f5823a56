import { isEntityId } from './entity-id.ts'
import { ValidationError } from './errors.ts'
import type { Json } from './json.ts'
import { getOwn, isObject, setOwn } from './own.ts'
import { isRecord } from './schema.ts'

/** By path of a field, as `meta.parent`: of which entity it holds the id, or an array of ids. */
export type References = Readonly<Record<string, string>>

export interface Reference {
  readonly entity: string
  readonly id: string
}

/** The entities that a payload names in its declared fields, each as often as it is named. What can be no id is passed over. */
export function referencesIn(payload: Json, references: References): readonly Reference[] {
  const found: Reference[] = []
  for (const [path, entity] of Object.entries(references))
    changedAt(payload, path.split('.'), (value) => {
      for (const id of Array.isArray(value) ? value : [value]) if (isEntityId(id)) found.push({ entity, id })
      return value
    })
  return found
}

/** The payload with the ids in its declared fields replaced by what `idOf` gives for them, where it gives one; the same payload if nothing changes. */
export function withReferences(payload: Json, references: References, idOf: (reference: Reference) => string | undefined): Json {
  return Object.entries(references).reduce((changed: Json, [path, entity]) => {
    const renamed = (id: Json): Json => (isEntityId(id) ? (idOf({ entity, id }) ?? id) : id)
    return changedAt(changed, path.split('.'), (value) => {
      if (!Array.isArray(value)) return renamed(value)
      const ids = value.map(renamed)
      return ids.some((id, at) => id !== value[at]) ? ids : value
    })
  }, payload)
}

/** The value with what is at the path changed; the same value if nothing is there, or nothing changes. Only own fields count. */
function changedAt(value: Json, [key, ...rest]: readonly string[], change: (value: Json) => Json): Json {
  if (key === undefined) return change(value)
  const before = isObject(value) ? getOwn(value, key) : undefined
  if (!isObject(value) || before === undefined) return value
  const after = changedAt(before, rest, change)
  if (after === before) return value
  const changed: Record<string, Json> = { ...value }
  setOwn(changed, key, after)
  return changed
}

/** @throws ValidationError for references that are none, or to what the engine does not know. */
export function checkReferences(path: string, references: unknown, entities: readonly string[]): void {
  if (!isRecord(references)) throw new ValidationError(path, "must be an object, as { noteId: 'note' }.")
  for (const [field, entity] of Object.entries(references)) {
    if (field.split('.').includes('') || field === 'id')
      throw new ValidationError(`${path}.${field}`, 'must be the path of a field, as noteId or meta.parents, and not id.')
    if (typeof entity !== 'string' || !entities.includes(entity))
      throw new ValidationError(`${path}.${field}`, `must be one of the engine's entities: ${entities.join(', ')}.`)
  }
}
