import { copyJson } from './copy-json.ts'
import { SyncError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'
import { isObject } from './own.ts'
import { isRecord } from './schema.ts'
import { checkJson, type JsonLimits } from './validate-json.ts'

/** What a payload is of. */
export interface PayloadOf {
  readonly type: string
  readonly entityId: string
}

/**
 * What brings rows from the version before to this one. Pure and synchronous: it gets a copy, and returns plain JSON. What it leaves out stays as it is.
 */
export interface Migration {
  /** Of an operation that waits, or has ended: of `create` and `replace` the whole, of `update` the patch, of types of your own what they carry. */
  readonly payload?: ((payload: Json, of: PayloadOf) => Json) | undefined
  /** Of the entity as the server told it, with its `id`; and of what operations were made on. */
  readonly value?: ((value: JsonObject) => JsonObject) | undefined
}

/** By the version that they bring to. */
export type Migrations = Readonly<Record<number, Migration>>

/** The code of the error of what can't be brought to the version of this build. */
export const MIGRATION_FAILED = 'migration-failed'
/** The code of the error of what a newer build of the application has written. */
export const NEWER_BUILD = 'newer-build'

/** From which version to which. */
export interface Span {
  readonly from: number
  readonly to: number
}

const OF_OBJECTS: ReadonlySet<string> = new Set(['create', 'update', 'replace'])

/** @throws SyncError with the code `migration-failed` that says at which step, and why. */
export function migratePayload(migrations: Migrations, span: Span, payload: Json, of: PayloadOf, limits: JsonLimits): Json {
  if (of.type === 'delete') return payload
  return migrate(migrations, span, payload, (step, json) => {
    const next = step.payload === undefined ? json : checked(step.payload(json, of), 'payload', limits)
    if (OF_OBJECTS.has(of.type) && !isObject(next)) throw new TypeError(`It made no object of the payload of a ${of.type}.`)
    return next
  })
}

/** @throws SyncError with the code `migration-failed` that says at which step, and why. */
export function migrateValue(migrations: Migrations, span: Span, value: Json, limits: JsonLimits): Json {
  return migrate(migrations, span, value, (step, json) => {
    if (step.value === undefined || !isObject(json)) return json
    const next = checked(step.value(json), 'value', limits)
    if (!isObject(next)) throw new TypeError('It made no object of the value.')
    return next
  })
}

/** Each step gets a copy, for it may change what it gets. */
function migrate(migrations: Migrations, { from, to }: Span, json: Json, take: (step: Migration, json: Json) => Json): Json {
  let now = json
  for (let version = from + 1; version <= to; version++) {
    const step = Object.hasOwn(migrations, version) ? migrations[version] : undefined
    if (step === undefined) throw failedAt(version, `there is none from version ${version - 1}`)
    try {
      now = take(step, copyJson(now))
    } catch (cause) {
      throw failedAt(version, cause instanceof Error ? cause.message : 'it threw', cause)
    }
  }
  return now
}

function checked(made: unknown, path: string, limits: JsonLimits): Json {
  if (isRecord(made) && typeof made['then'] === 'function') {
    // Nobody else would hear of its failure.
    Promise.resolve(made).catch(() => {})
    throw new TypeError('It is asynchronous. Make it return JSON at once.')
  }
  return copyJson(checkJson(made, path, limits).json)
}

function failedAt(version: number, why: string, cause?: unknown): SyncError {
  return new SyncError(MIGRATION_FAILED, `The migration to version ${version} failed: ${why}`, { cause })
}
