import type { Json, JsonObject } from './json.ts'
import { applyMergePatch } from './merge-patch.ts'
import type { OperationRow } from './operation.ts'
import { isObject, setOwn } from './own.ts'
import type { EntityRow } from './schema.ts'

/** What an operation of the application's own does to the entity, as far as it can be told before the server has answered. */
export type ActionEffect = (value: JsonObject | undefined, payload: Json) => JsonObject | undefined

export type ActionEffects = Readonly<Record<string, ActionEffect>>

/** Whether the view shows what this operation wants: it does not any more once the server has refused it. */
export function isShown({ status }: Pick<OperationRow, 'status'>): boolean {
  return SHOWN.has(status)
}

const SHOWN: ReadonlySet<OperationRow['status']> = new Set(['queued', 'waiting', 'sending', 'reconciling', 'parked'])

/**
 * The entity as the application sees it: what the server last confirmed, with the operations that live on top of it, in their order (S14).
 * Undefined if it does not exist. Pure: rolling an operation back is leaving it out (S15).
 */
export function derive(
  base: EntityRow | undefined,
  operations: readonly OperationRow[],
  actions: ActionEffects = {},
): JsonObject | undefined {
  let value = valueIn(base)
  for (const operation of operations) if (isShown(operation)) value = applied(value, operation, actions)
  return value
}

/** None of a tombstone. */
export function valueIn(base: EntityRow | undefined): JsonObject | undefined {
  return base?.deletedAt === undefined && isObject(base?.value) ? base.value : undefined
}

/** What one operation makes of the entity, whatever became of the operation since: nothing, if its payload can't be used by this build. */
export function applied(
  value: JsonObject | undefined,
  { type, entityId, payload, aside }: Pick<OperationRow, 'type' | 'entityId' | 'payload' | 'aside'>,
  actions: ActionEffects,
): JsonObject | undefined {
  if (aside !== undefined) return value
  if (type === 'delete') return undefined
  if (type === 'create' || type === 'replace') return withId(payload, entityId)
  if (type === 'update') return value === undefined ? undefined : withId(applyMergePatch(value, payload), entityId)
  const effect = Object.hasOwn(actions, type) ? actions[type] : undefined
  return effect === undefined ? value : effect(value, payload)
}

/** The value as an entity has it. */
export function withId(value: Json, id: string): JsonObject {
  const result: Record<string, Json> = isObject(value) ? { ...value } : {}
  setOwn(result, 'id', id)
  return result
}
