import { parseChannelText } from '../../core/channel-message.ts'
import type { Json } from '../../core/json.ts'
import { getOwn } from '../../core/own.ts'

export type ClientMessage =
  | { readonly type: 'ping'; readonly at: number }
  /** From now on only these. */
  | { readonly type: 'subscribe'; readonly entities: ReadonlySet<string> }

/** Undefined for whatever is no message of the protocol. */
export function readClientMessage(text: string, entityAllowed: (name: string) => boolean): ClientMessage | undefined {
  const message = parseChannelText(text) ?? {}
  const type = getOwn(message, 'type')
  if (type === 'ping') return readPing(getOwn(message, 'at'))
  const entities = getOwn(message, 'entities')
  return type === 'subscribe' && isListOf(entities, entityAllowed) ? { type, entities: new Set(entities) } : undefined
}

function readPing(at: Json | undefined): ClientMessage | undefined {
  return typeof at === 'number' && Number.isFinite(at) ? { type: 'ping', at } : undefined
}

function isListOf(value: Json | undefined, allowed: (name: string) => boolean): value is readonly string[] {
  return Array.isArray(value) && value.every((name: Json) => typeof name === 'string' && allowed(name))
}
