import { ValidationError } from './errors.ts'
import { isRecord } from './schema.ts'

/**
 * What is used of the interface Standard Schema, version 1 (https://standardschema.dev), which zod, valibot, arktype and others have. It is declared
 * here so that our declarations need none of them.
 */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaAnswer | Promise<SchemaAnswer>
  }
}

export type SchemaAnswer = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Throws `ValidationError` for what an entity's `schema` and `payloads` can't be; `path` is where they stand. */
export function checkSchemas(path: string, { schema, payloads }: Readonly<Record<string, unknown>>): void {
  if (schema !== undefined) checkSchema(`${path}.schema`, schema)
  if (payloads === undefined) return
  if (!isRecord(payloads)) throw new ValidationError(`${path}.payloads`, 'must be an object of schemas by type of operation.')
  for (const [type, one] of Object.entries(payloads)) {
    if (type === 'delete') throw new ValidationError(`${path}.payloads.delete`, 'is never used: a delete has no payload.')
    checkSchema(`${path}.payloads.${type}`, one)
  }
}

function checkSchema(path: string, given: unknown): void {
  const standard = standardOf(given)
  if (!isRecord(standard) || standard['version'] !== 1 || typeof standard['validate'] !== 'function')
    throw new ValidationError(path, 'must be a Standard Schema (version 1), as zod, valibot and arktype make them.')
}

/** Some schemas are functions. */
function standardOf(given: unknown): unknown {
  const isSome = (typeof given === 'object' && given !== null) || typeof given === 'function'
  return isSome && '~standard' in given ? given['~standard'] : undefined
}
