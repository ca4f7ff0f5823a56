import { ValidationError } from './errors.ts'
import type { JsonObject } from './json.ts'
import { refuseUnknown } from './option-checks.ts'
import { isRecord } from './schema.ts'

/** An entity as the application sees it. */
export interface SeenEntity {
  readonly entity: string
  readonly id: string
  readonly value: JsonObject
}

/** What must hold over many entities, as a sum. They are given one after the other, in no order: a million need not be in memory. */
export interface Accumulation<State = unknown> {
  start(): State
  /** The state with this one more. */
  add(state: State, entity: SeenEntity): State
  /** What is wrong with all of them; undefined if nothing is. */
  end(state: State): string | undefined
}

/** What must hold of each entity of a kind: tells what is wrong, undefined if nothing is. Or of all of them together. */
export type EntityInvariant = ((value: JsonObject, id: string) => string | undefined) | Accumulation

export type EntityInvariants = Readonly<Record<string, EntityInvariant>>

/** What must hold over several kinds of entities. */
export interface Invariant<State = unknown> extends Accumulation<State> {
  readonly entities: readonly string[]
}

export type Invariants = Readonly<Record<string, Invariant>>

const STEPS = ['start', 'add', 'end']

/** @throws ValidationError that names the one that is none. */
export function checkEntityInvariants(path: string, invariants: unknown): void {
  if (!isRecord(invariants)) throw new ValidationError(path, 'must be an object of functions, or of { start, add, end }.')
  for (const [name, invariant] of Object.entries(invariants))
    if (typeof invariant !== 'function') checkAccumulation(`${path}.${name}`, invariant, STEPS)
}

/** @throws ValidationError that names the one that is none. */
export function checkInvariants(invariants: unknown, known: readonly string[]): void {
  if (!isRecord(invariants)) throw new ValidationError('invariants', 'must be an object of { entities, start, add, end }.')
  for (const [name, invariant] of Object.entries(invariants)) {
    checkAccumulation(`invariants.${name}`, invariant, [...STEPS, 'entities'])
    const entities: unknown = isRecord(invariant) ? invariant['entities'] : undefined
    if (!Array.isArray(entities) || entities.length === 0 || !entities.every((one) => known.includes(one)))
      throw new ValidationError(`invariants.${name}.entities`, `must be a list of the engine's entities: ${known.join(', ')}.`)
  }
}

function checkAccumulation(path: string, invariant: unknown, fields: readonly string[]): void {
  if (!isRecord(invariant))
    throw new ValidationError(path, 'must be a function, or an object of the functions start, add and end.')
  refuseUnknown(path, fields, invariant)
  for (const step of STEPS)
    if (typeof invariant[step] !== 'function') throw new ValidationError(`${path}.${step}`, 'must be a function.')
}
