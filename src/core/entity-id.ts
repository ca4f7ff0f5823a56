export const MAX_ID_LENGTH = 1_024
/** No store keeps it or no URL carries it. */
const UNSENDABLE = /^\.{1,2}$|[\0\p{Cs}]/u

export function isEntityId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH && !UNSENDABLE.test(value)
}
