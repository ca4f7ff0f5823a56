import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import type { StandardSchema } from '../../src/index.ts'

interface Schemas {
  readonly note: StandardSchema
  readonly patch: StandardSchema
  readonly publish: StandardSchema
}

/** The same in each library: a note has a title, may have a count of at least 0 and an address; who publishes says where. */
export const LIBRARIES: readonly (readonly [string, Schemas])[] = [
  [
    'zod',
    {
      note: z.looseObject({
        id: z.string(),
        title: z.string(),
        count: z.number().min(0).optional(),
        address: z.looseObject({ street: z.string() }).optional(),
      }),
      patch: z.looseObject({ title: z.string().max(20).optional() }),
      publish: z.object({ where: z.string() }),
    },
  ],
  [
    'valibot',
    {
      note: v.looseObject({
        id: v.string(),
        title: v.string(),
        count: v.optional(v.pipe(v.number(), v.minValue(0))),
        address: v.optional(v.looseObject({ street: v.string() })),
      }),
      patch: v.looseObject({ title: v.optional(v.pipe(v.string(), v.maxLength(20))) }),
      publish: v.object({ where: v.string() }),
    },
  ],
  [
    'arktype',
    {
      note: type({ id: 'string', title: 'string', 'count?': 'number >= 0', 'address?': { street: 'string' } }),
      patch: type({ 'title?': 'string <= 20' }),
      publish: type({ where: 'string' }),
    },
  ],
]

/** By hand: what `check` answers. */
export function schemaOf(check: (value: unknown) => unknown): StandardSchema {
  return typed({ '~standard': { version: 1, vendor: 'test', validate: check } })
}

/** Nothing but what its check says is known of it: that it may be nonsense is what some tests are about. */
function typed(schema: { readonly '~standard': object }): StandardSchema
function typed(schema: unknown): unknown {
  return schema
}

/** Notes whose title is a text. */
export const titled = schemaOf((value) => answerOn(value))

export function answerOn(value: unknown): unknown {
  const isTitled = typeof value === 'object' && value !== null && 'title' in value && typeof value.title === 'string'
  return isTitled ? { value } : { issues: [{ message: 'must be a text', path: ['title'] }] }
}
