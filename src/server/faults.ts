import { ValidationError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'

/**
 * - `drop-request`: the connection is reset before the effect;
 * - `drop-response`: the connection is reset after the effect;
 * - `too-many-requests`, `unavailable`: 429, 503 with Retry-After, no effect;
 * - `in-progress`: 409 `idempotency-in-progress` with Retry-After, no effect (writes);
 * - `precondition-failed`: 412, no effect and nothing stored (single writes with a condition, under a key that has no answer yet);
 * - `delay`: the request is held back, then served;
 * - `malformed`: the effect, then 200 with a body that is cut off, or with an HTML page;
 * - `error-after`: the effect, then 500.
 */
export const faultKinds = [
  'drop-request',
  'drop-response',
  'too-many-requests',
  'unavailable',
  'in-progress',
  'precondition-failed',
  'delay',
  'malformed',
  'error-after',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface FaultOptions {
  /** Same seed and same requests in the same order: same faults. Default 1. */
  readonly seed?: number
  /** How many of the requests are hit, 0 to 1. */
  readonly rate: number
  /** How often a kind comes up against the others. Default: 1 each; with weights, 0 for those not named. */
  readonly weights?: Readonly<Partial<Record<FaultKind, number>>>
  /** Retry-After is 0 to this many whole seconds. Default 1. */
  readonly retryAfterMaxSeconds?: number
  /** A delay is 0 to this long. Default 50. */
  readonly delayMaxMs?: number
  /** How many of the realtime pushes are lost, sent twice or held back until after the next, 0 to 1. Default 0. */
  readonly pushRate?: number
}

export interface FaultPlan {
  readonly rate: number
  readonly weights: readonly (readonly [FaultKind, number])[]
  readonly retryAfterMaxSeconds: number
  readonly delayMaxMs: number
  readonly pushRate: number
}

/** What a request is, as far as it matters which faults would be honest. */
export interface FaultTarget {
  readonly write: boolean
  /** Has a condition, is alone, and its key has no answer yet: otherwise a 412 would be a lie. */
  readonly mayFailPrecondition: boolean
}

export interface Fault {
  readonly kind: FaultKind
  readonly retryAfterSeconds: number
  readonly delayMs: number
  readonly html: boolean
}

/** @throws ValidationError that names the option. */
export function planFaults(options: FaultOptions): FaultPlan {
  const { rate, weights, retryAfterMaxSeconds = 1, delayMaxMs = 50, pushRate = 0 } = options
  for (const kind of Object.keys(weights ?? {})) {
    if (!faultKinds.some((known) => known === kind))
      throw new ValidationError('faults.weights', `${kind} is no fault. Use ${faultKinds.join(', ')}.`)
  }
  return {
    rate: share('faults.rate', rate),
    pushRate: share('faults.pushRate', pushRate),
    weights: faultKinds.map((kind) => [
      kind,
      notNegative(`faults.weights.${kind}`, weights === undefined ? 1 : (weights[kind] ?? 0)),
    ]),
    retryAfterMaxSeconds: notNegative('faults.retryAfterMaxSeconds', retryAfterMaxSeconds),
    delayMaxMs: notNegative('faults.delayMaxMs', delayMaxMs),
  }
}

function share(path: string, value: number): number {
  if (value >= 0 && value <= 1) return value
  throw new ValidationError(path, `must be a number from 0 to 1, not ${value}.`)
}

function notNegative(path: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new ValidationError(path, `must be a number from 0 up, not ${value}.`)
}

/** The fault that hits a request, if any. Takes five random numbers whatever comes of it, so that a change of one plan shifts no later decision. */
export function drawFault(random: Random, plan: FaultPlan, target: FaultTarget): Fault | undefined {
  const [hit, which, wait, hold, form] = [random(), random(), random(), random(), random()]
  if (hit >= plan.rate) return undefined
  const kind = pick(
    which,
    plan.weights.filter(([candidate]) => isHonest(candidate, target)),
  )
  if (kind === undefined) return undefined
  const retryAfterSeconds = Math.floor(wait * (Math.floor(plan.retryAfterMaxSeconds) + 1))
  return { kind, retryAfterSeconds, delayMs: Math.round(hold * plan.delayMaxMs), html: form < 0.5 }
}

function isHonest(kind: FaultKind, target: FaultTarget): boolean {
  if (kind === 'in-progress') return target.write
  return kind !== 'precondition-failed' || target.mayFailPrecondition
}

function pick(at: number, weights: FaultPlan['weights']): FaultKind | undefined {
  let left = at * weights.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [kind, weight] of weights) {
    if (left < weight) return kind
    left -= weight
  }
  return undefined
}
