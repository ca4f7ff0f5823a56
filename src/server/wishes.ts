import { ValidationError } from '../core/errors.ts'

/** What every answer asks of clients (docs/wire-protocol.md). */
export interface WishOptions {
  /** The least rest between two polls. */
  readonly minPollSeconds?: number
  /** The most operations in one batch. */
  readonly maxBatch?: number
  /** So long nothing is to be sent. */
  readonly pauseSeconds?: number
}

export interface Wishes {
  /** From now on these, or none. @throws ValidationError */
  set(options: WishOptions | undefined): void
  /** The headers of an answer. */
  headers(): readonly (readonly [string, string])[]
}

const HEADERS = { minPollSeconds: 'Synchart-Min-Poll', maxBatch: 'Synchart-Max-Batch', pauseSeconds: 'Synchart-Pause' } as const
const NAMES = ['minPollSeconds', 'maxBatch', 'pauseSeconds'] as const

export const WISH_HEADERS: readonly string[] = Object.values(HEADERS)

/** @throws ValidationError */
export function createWishes(options: WishOptions | undefined): Wishes {
  let headers: readonly (readonly [string, string])[] = []
  const set = (next: WishOptions | undefined): void => {
    headers = NAMES.flatMap((name) => {
      const value = next?.[name]
      if (value === undefined) return []
      if (Number.isSafeInteger(value) && value >= 0) return [[HEADERS[name], String(value)] as const]
      throw new ValidationError(`wishes.${name}`, `must be a whole number, not ${value}.`)
    })
  }
  set(options)
  return { set, headers: () => headers }
}
