export const MAX_ID_LENGTH = 1_024
/** No URL carries it. */
const DOTS = /^\.{1,2}$/
/** Not every store keeps it. */
const UNKEPT = /[\0\p{Cs}]/u

export function isEntityId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH && isKeptId(value) && !DOTS.test(value)
}

/** Whether every store can keep an entity under this id, wherever that comes from. */
export function isKeptId(id: string): boolean {
  return !UNKEPT.test(id)
}
