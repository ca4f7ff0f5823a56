import { StorageCorruptError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { Refusal } from './problems.ts'

const maxDepth = 64
const forbidden = new Set(['__proto__', 'constructor', 'prototype'])
const mediaTypes: Readonly<Record<string, string>> = {
  POST: 'application/json',
  PUT: 'application/json',
  PATCH: 'application/merge-patch+json',
}

/** @throws Refusal 415 unless the content type is the one that the method takes, in UTF-8. */
export function checkMediaType(method: string, contentType: string | undefined): void {
  const wanted = mediaTypes[method]
  if (wanted === undefined) return
  const [type, ...parameters] = (contentType ?? '').toLowerCase().split(';')
  const utf8 = parameters.every((parameter) => /^\s*(?:charset\s*=\s*"?utf-8"?\s*)?$/.test(parameter))
  if (type?.trim() === wanted && utf8) return
  throw new Refusal('unsupported-media-type', `Send ${method} with Content-Type: ${wanted}.`, {
    [`accept-${method.toLowerCase()}`]: wanted,
  })
}

/** @throws Refusal 400 if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    throw new Refusal('invalid-json', 'Send a body that is valid JSON.')
  }
}

/** @throws Refusal 422 unless the value is a JSON object that is safe to keep: not too deep, no key that reaches a prototype, all numbers finite. */
export function checkObject(value: unknown): JsonObject {
  if (!isObject(value)) throw new Refusal('invalid-body', 'Send a JSON object.')
  checkValue(value, 1)
  return value
}

function checkValue(value: Json, depth: number): void {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new Refusal('invalid-body', 'A number is too large for a double.')
  if (typeof value !== 'object' || value === null) return
  if (depth > maxDepth) throw new Refusal('invalid-body', `The body is nested deeper than ${maxDepth} levels.`)
  if (isArray(value)) {
    for (const item of value) checkValue(item, depth + 1)
    return
  }
  for (const [key, item] of Object.entries(value)) {
    if (forbidden.has(key)) throw new Refusal('invalid-body', `The key ${key} is not allowed. Rename it.`)
    checkValue(item, depth + 1)
  }
}

/** Only for values that came out of `JSON.parse`, where every object holds JSON. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** Applies a merge patch (RFC 7396). Both sides must have passed `checkObject`. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = isObject(value) ? mergePatch(ownObject(merged, key), value) : value
  }
  return merged
}

function ownObject(from: JsonObject, key: string): JsonObject {
  const value = Object.hasOwn(from, key) ? from[key] : undefined
  return isObject(value) ? value : {}
}

/** A resource's body from the database. @throws StorageCorruptError if it can't be read. */
export function storedObject(body: string): JsonObject {
  try {
    const value: unknown = JSON.parse(body)
    if (isObject(value)) return value
  } catch (cause) {
    throw new StorageCorruptError(unreadable, { cause })
  }
  throw new StorageCorruptError(unreadable)
}

const unreadable = 'A resource in the database is no JSON object. Restore the database from a backup.'
