import type { JsonObject } from '../../core/json.ts'
import type { Effect, Resource } from './model-server.ts'

/** How a resource stands to a kind of entity, or to a part of it: it is in it, or has left it, by the change at this position. */
export interface Place {
  readonly path: string
  readonly resource: Resource
  readonly position: number
  readonly isMember: boolean
}

/** Whether a resource is in a part. */
export type IsInPart = (value: JsonObject, part: string) => boolean

/** By the wire contract a part is a field and the text of its value. */
export const hasItsValue: IsInPart = (value, part) => {
  const [, field = '', text = ''] = /^([^:]+):([^]+)$/.exec(part) ?? []
  const own = value[field]
  return (typeof own === 'string' || typeof own === 'number' || typeof own === 'boolean') && String(own) === text
}

/** All that is of a kind, or was. */
export function placesOf(resources: ReadonlyMap<string, Resource>, entity: string): readonly Place[] {
  return [...resources]
    .filter(([path]) => path.startsWith(`/${entity}/`))
    .map(([path, resource]) => ({ path, resource, position: resource.version, isMember: resource.value !== undefined }))
}

/** Of these, all that is in the part, or was: what has left it stands where it left, however often it changed outside. */
export function placesIn(
  all: readonly Place[],
  ledger: Iterable<Effect>,
  isIn: (value: JsonObject) => boolean,
): readonly Place[] {
  const left = new Map<string, number>()
  for (const { entity, id, before, after, version } of ledger)
    if (before !== undefined && isIn(before) && (after === undefined || !isIn(after)))
      left.set(`/${entity}/${encodeURIComponent(id)}`, version)
  return all.flatMap((one) => {
    const { value } = one.resource
    if (value !== undefined && isIn(value)) return [one]
    const position = left.get(one.path)
    return position === undefined ? [] : [{ ...one, position, isMember: false }]
  })
}
