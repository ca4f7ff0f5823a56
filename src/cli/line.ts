import { isRecord } from '../core/schema.ts'
import type { EnqueueInput } from '../engine/types.ts'

/** What a line of a file of operations holds. */
export type ParsedLine =
  | { readonly type: 'operation'; readonly input: EnqueueInput; readonly ignored: readonly string[] }
  | { readonly type: 'bad'; readonly reason: string }

const TEXTS = ['priority', 'idempotencyKey', 'baseVersion'] as const
/** `at` tells when it happened: of no use to the server. */
const KNOWN: ReadonlySet<string> = new Set(['type', 'entity', 'id', 'payload', 'dependsOn', 'base', 'at', ...TEXTS])
const ENTITY_NAME = /^[A-Za-z][\w-]{0,63}$/

/** Checks the shape of a line; what it means is the engine's to check. */
export function parseLine(text: string): ParsedLine {
  const value = parsed(text)
  if (!isRecord(value)) return bad(value === undefined ? 'is not JSON' : 'is not a JSON object')
  const { type, entity, id } = value
  if (typeof type !== 'string') return bad('has no type, as "update"')
  if (typeof entity !== 'string') return bad('has no entity, as "note"')
  if (!isEntityName(entity)) return bad(`names the entity ${JSON.stringify(entity)}; use a letter, then letters, digits, _ and -`)
  if (typeof id !== 'string') return bad('has no id (a text)')
  const wrong = TEXTS.find((name) => value[name] !== undefined && typeof value[name] !== 'string')
  if (wrong !== undefined) return bad(`has a ${wrong} that is not a text`)
  return {
    type: 'operation',
    input: inputOf({ ...value, type, entity, id }),
    ignored: Object.keys(value).filter((key) => !KNOWN.has(key)),
  }
}

export function isEntityName(name: string): boolean {
  return ENTITY_NAME.test(name)
}

function inputOf(
  value: Record<string, unknown> & { readonly type: string; readonly entity: string; readonly id: string },
): EnqueueInput {
  const given = ['payload', 'dependsOn', 'base', ...TEXTS].filter((name) => value[name] !== undefined)
  const { type, entity, id } = value
  return { type, entity, id, ...Object.fromEntries(given.map((name) => [name, value[name]])) }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

function bad(reason: string): ParsedLine {
  return { type: 'bad', reason }
}
