import { objectionToValue } from '../../core/answer-value.ts'
import type { ResponseBody } from '../../core/classify.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import { isRecord } from '../../core/schema.ts'

const EMPTY: ResponseBody = { kind: 'empty' }

/** The body of an answer, read as JSON and nothing else. */
export function readBody(text: string, contentType: string | undefined): ResponseBody {
  const parsed = parseJson(text, contentType)
  return parsed.kind === 'json' ? vetted(parsed.value) : parsed
}

/** `application/json`, and types that end in `+json` (RFC 6839). */
export function isJsonType(contentType: string): boolean {
  return /^(?:application|text)\/(?:json|[^\s;/]+\+json)[\t ]*(?:;|$)/i.test(contentType)
}

/** As `readBody`, but not looked through: for an envelope whose parts are vetted one by one. */
export function parseJson(text: string, contentType: string | undefined): ResponseBody {
  if (text === '') return EMPTY
  if (contentType !== undefined && !isJsonType(contentType))
    return { kind: 'unreadable', reason: 'the body is not JSON by its content type' }
  try {
    const value: Json = JSON.parse(text)
    return { kind: 'json', value }
  } catch {
    return { kind: 'unreadable', reason: 'the body is not valid JSON or was cut off' }
  }
}

/** Refuses what could harm later. */
export function vetted(value: Json): ResponseBody {
  const objection = objectionToValue(value)
  return objection === undefined ? { kind: 'json', value } : { kind: 'unreadable', reason: `the body ${objection}` }
}

/** Of an error's body only its problem fields are kept, and no credential that the server repeats in them. */
export function problemOnly(body: ResponseBody, secret: string | undefined): ResponseBody {
  if (body.kind !== 'json') return body
  const problem: Record<string, string> = {}
  for (const name of ['type', 'title', 'detail']) {
    const text = fieldOf(body.value, name)
    if (typeof text === 'string') problem[name] = redact(text, secret)
  }
  return { kind: 'json', value: problem }
}

export function isJsonObject(value: Json): value is JsonObject {
  return isRecord(value)
}

/** An own field of an object; undefined of anything else. */
export function fieldOf(value: Json | undefined, name: string): Json | undefined {
  return value !== undefined && isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** Takes a credential out of a text, and whatever else follows the word Bearer. */
export function redact(text: string, secret: string | undefined): string {
  const known = secret === undefined || secret === '' ? text : text.replaceAll(secret, '[redacted]')
  return known.replace(/\bbearer\s+[^\s"',]+/gi, 'Bearer [redacted]')
}
