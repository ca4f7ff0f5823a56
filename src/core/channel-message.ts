import { checkJson, type JsonLimits } from './validate-json.ts'
import { getOwn, isObject } from './own.ts'
import type { Json, JsonObject } from './json.ts'
import { usableWaitMs } from './retry-after.ts'

/** Something of an entity was changed on the server. Only a hint: it may be lost, doubled or late. */
export interface ChangedMessage {
  readonly type: 'changed'
  readonly entity: string
  /** Where a pull that has the change stands. */
  readonly cursor: string
}

/** What a server says over a realtime line. */
export type ChannelMessage =
  | { readonly type: 'hello'; readonly heartbeatMs: number }
  | ChangedMessage
  /** The answer to a ping. A line that can't be asked gives a sign of life without a time. */
  | { readonly type: 'pong'; readonly at: number | undefined }

const LIMITS: JsonLimits = { maxBytes: 65_536, maxDepth: 8 }
const MAX_NAME_LENGTH = 64
const MAX_CURSOR_LENGTH = 4_096

/** The text as an object of JSON without keys that reach a prototype; undefined if it is anything else, too large or too deep. */
export function parseChannelText(text: string): JsonObject | undefined {
  if (text.length > LIMITS.maxBytes) return undefined
  try {
    const { json } = checkJson(JSON.parse(text), 'message', LIMITS)
    return isObject(json) ? json : undefined
  } catch {
    return undefined
  }
}

/** The message in what came over a line; undefined if it is none that is known, whatever it is. */
export function readChannelMessage(data: unknown): ChannelMessage | undefined {
  if (!isJsonObject(data)) return undefined
  const type = getOwn(data, 'type')
  if (type === 'changed') return readChanged(getOwn(data, 'entity'), getOwn(data, 'cursor'))
  if (type === 'pong') return readPong(getOwn(data, 'at'))
  const heartbeatMs = getOwn(data, 'heartbeatMs')
  return type === 'hello' && isMs(heartbeatMs) && heartbeatMs > 0 ? { type, heartbeatMs } : undefined
}

function readChanged(entity: Json | undefined, cursor: Json | undefined): ChangedMessage | undefined {
  if (!isText(entity, MAX_NAME_LENGTH) || !isText(cursor, MAX_CURSOR_LENGTH)) return undefined
  return { type: 'changed', entity, cursor }
}

function readPong(at: Json | undefined): ChannelMessage | undefined {
  return at === undefined || isMs(at) ? { type: 'pong', at } : undefined
}

/** How long a server asks to stay away in the reason of a close, as `{ "retryAfterMs": 1000 }`; at most a day. */
export function retryAfterMsOf(reason: string): number | undefined {
  return usableWaitMs(getOwn(parseChannelText(reason) ?? {}, 'retryAfterMs'))
}

function isText(value: Json | undefined, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength
}

function isMs(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isJsonObject(data: unknown): data is JsonObject {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}
