import { useMemo } from 'react'
import { ValidationError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { text } from '../core/option-checks.ts'
import type { Entity } from '../engine/read-types.ts'
import { useStream } from './provider.ts'

export interface SeenEntity<T extends object> {
  /** Undefined while it does not exist. */
  readonly entity: Entity<T> | undefined
  /** True until the store has been read. */
  readonly isLoading: boolean
}

export interface SeenEntities<T extends object> {
  readonly entities: readonly Entity<T>[]
  readonly isLoading: boolean
}

interface Loading {
  readonly isLoading: true
}

const LOADING: Loading = { isLoading: true }
const NONE: readonly never[] = []

/** One entity as the view shows it, pending changes included; renders anew when it changes. @throws ValidationError without an id */
export function useEntity<T extends object = JsonObject>(entity: string, id: string): SeenEntity<T> {
  const seen = useStream<Entity<T> | undefined | Loading>(
    LOADING,
    (engine) => engine.view<T>(entity).watch(text('id', id, 'of which entity; render the component once it is known')),
    `${entity}/${id}`,
  )
  return useMemo(() => (isLoading(seen) ? { entity: undefined, isLoading: true } : { entity: seen, isLoading: false }), [seen])
}

/** All entities of one kind, or those that match: renders anew when one of the kind changes. Give the same `matches` as long as it means the same. @throws ValidationError for a `matches` that is no function */
export function useEntities<T extends object = JsonObject>(
  entity: string,
  matches?: (entity: Entity<T>) => boolean,
): SeenEntities<T> {
  if (matches !== undefined && typeof matches !== 'function')
    throw new ValidationError('matches', 'must be a function that says of an entity whether it is wanted.')
  const seen = useStream<readonly Entity<T>[] | Loading>(LOADING, (engine) => engine.view<T>(entity).watch(), entity)
  return useMemo(() => {
    if (isLoading(seen)) return { entities: NONE, isLoading: true }
    return { entities: matches === undefined ? seen : seen.filter(matches), isLoading: false }
  }, [seen, matches])
}

function isLoading(seen: object | undefined): seen is Loading {
  return seen === LOADING
}
