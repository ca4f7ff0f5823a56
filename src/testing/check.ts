import { ValidationError } from '../core/errors.ts'
import { refuseUnknown } from '../core/option-checks.ts'
import { isRecord } from '../core/schema.ts'

/** Of a larger one the rest would be ignored. */
export const MAX_SEED = 2 ** 32 - 1

/** @throws ValidationError unless it is an object with no other fields than these. */
export function checkFields(path: string, given: unknown, known: readonly string[]): void {
  if (!isRecord(given)) throw new ValidationError(path, 'must be an object.')
  refuseUnknown(path, known, given)
}

export function checkSeed(seed: unknown): void {
  if (typeof seed === 'number' && Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED) return
  throw new ValidationError('seed', `must be a whole number from 0 to ${MAX_SEED}.`)
}

/** How long something takes. */
export function checkMs(path: string, ms: unknown): void {
  if (typeof ms === 'number' && ms >= 0 && ms <= Number.MAX_SAFE_INTEGER) return
  throw new ValidationError(path, 'must be a number of milliseconds from 0 up.')
}

export function checkFunction(path: string, value: unknown): void {
  if (typeof value !== 'function') throw new ValidationError(path, 'must be a function.')
}

export function checkBoolean(path: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new ValidationError(path, 'must be true or false.')
}
