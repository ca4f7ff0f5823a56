import { isEntityId, MAX_ID_LENGTH } from '../core/entity-id.ts'
import { ValidationError } from '../core/errors.ts'
import { PRIORITIES } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { isRecord } from '../core/schema.ts'
import type { EnqueueInput } from './types.ts'

/** What a Date can hold. */
const LATEST_MS = 8_640_000_000_000_000
const TYPE_NAME = /^[A-Za-z][\w-]{0,63}$/
const OBJECT_TYPES: ReadonlySet<string> = new Set(['create', 'update', 'replace'])

/** Throws `ValidationError` that names what is wrong. The payload's own content is checked where it is copied. */
export function checkInput(settings: Settings, input: EnqueueInput, at: string): void {
  if (typeof input !== 'object' || input === null)
    throw new ValidationError(`${at}operation`, 'must be an object with type, entity, id and payload.')
  if (typeof input.type !== 'string' || !TYPE_NAME.test(input.type))
    throw new ValidationError(`${at}type`, "must be 'create', 'update', 'replace', 'delete' or a name that the transport routes.")
  if (typeof input.entity !== 'string' || !Object.hasOwn(settings.entities, input.entity))
    throw new ValidationError(
      `${at}entity`,
      `${input.entity} is unknown. Name it in the option entities; known: ${Object.keys(settings.entities).join(', ')}.`,
      { code: 'unknown-entity' },
    )
  if (!isEntityId(input.id))
    throw new ValidationError(
      `${at}id`,
      `must be a string of 1 to ${MAX_ID_LENGTH} characters, not . or .., without NUL and half surrogate pairs.`,
    )
  if (input.type === 'delete' && input.payload !== undefined && input.payload !== null)
    throw new ValidationError(`${at}payload`, 'must be left out for a delete.')
  checkPayload(input.type, input.payload, `${at}payload`)
  if (input.priority !== undefined && !PRIORITIES.includes(input.priority))
    throw new ValidationError(`${at}priority`, `must be ${PRIORITIES.join(', ')}.`)
  if (input.dependsOn !== undefined && !(Array.isArray(input.dependsOn) && input.dependsOn.every(isEntityId)))
    throw new ValidationError(`${at}dependsOn`, 'must be a list of operation ids.')
  if (
    input.notBefore !== undefined &&
    !(Number.isInteger(input.notBefore) && input.notBefore >= 0 && input.notBefore <= LATEST_MS)
  )
    throw new ValidationError(`${at}notBefore`, `must be whole milliseconds since 1970, ${LATEST_MS} at most.`)
  if (input.undo !== undefined) checkUndo(input.undo, `${at}undo`)
  if (input.optimistic !== undefined) checkHandlers(input.optimistic, `${at}optimistic`)
  for (const key of ['idempotencyKey', 'dedupeKey', 'baseVersion'] as const) {
    if (input[key] !== undefined && !isKey(input[key]))
      throw new ValidationError(`${at}${key}`, 'must be 1 to 255 visible ASCII characters without " and \\.')
  }
}

/** Throws `ValidationError` for a payload that no request of this type can carry. */
export function checkPayload(type: string, payload: unknown, at: string): void {
  if (OBJECT_TYPES.has(type) && !isRecord(payload)) throw new ValidationError(at, `must be an object for ${type}.`)
}

function checkUndo(undo: NonNullable<EnqueueInput['undo']>, at: string): void {
  if (!isRecord(undo) || typeof undo.type !== 'string' || !TYPE_NAME.test(undo.type))
    throw new ValidationError(at, "must be an object with a type, as { type: 'delete' }, and the payload of that.")
  checkPayload(undo.type, undo.payload, `${at}.payload`)
}

/** Throws `ValidationError` for handlers that could not be called. */
export function checkHandlers(handlers: NonNullable<EnqueueInput['optimistic']>, at: string): void {
  if (!isRecord(handlers)) throw new ValidationError(at, 'must be an object with rollback, onSuccess or onError.')
  if (handlers.token !== undefined && !isEntityId(handlers.token))
    throw new ValidationError(`${at}.token`, 'must be a non-empty string.')
  for (const key of ['rollback', 'onSuccess', 'onError'] as const) {
    if (handlers[key] !== undefined && typeof handlers[key] !== 'function')
      throw new ValidationError(`${at}.${key}`, 'must be a function.')
  }
}

function isKey(value: string): boolean {
  return typeof value === 'string' && /^[!#-[\]-~]{1,255}$/.test(value)
}
