import { ValidationError } from '../../core/errors.ts'
import { checkFields } from '../check.ts'
import { choicesOf, recordedTape, type Choices } from '../world/tape.ts'
import { splitSeed } from '../world/random.ts'
import { NETWORK_FAULTS, type NetworkFault, type NetworkFaultType } from './faults.ts'

/** A request as a script sees it, before it leaves. */
export interface NetworkRequest {
  /** Counts the requests of the network, from 1. */
  readonly number: number
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Undefined for a GET and for a batch. */
  readonly idempotencyKey: string | undefined
  /** How often this very request (method, path and body) has been sent, this time included. */
  readonly attempt: number
}

/** From a time to a time in milliseconds, both included. */
export type SpanMs = readonly [min: number, max: number]

/** Faults that are drawn from the network's seed, such as an engine gets over by itself, as long as its `retry.maxAttempts` (20) last. */
export interface DrawnFaults {
  /** How many of the requests meet one, 0 to 1. */
  readonly rate: number
  /** Default: all. */
  readonly types?: readonly NetworkFaultType[]
  /** A `late` request or answer takes up to this much longer, and a `duplicated` one comes again within it. Default 5,000. */
  readonly delayMaxMs?: number
  /** Half of the error answers ask to wait for 0 to this many seconds. Default 5. */
  readonly retryAfterMaxSeconds?: number
  /**
   * The connection flaps: it is up for `upMs`, down for `downMs`, and so on until the faults are set anew. An engine trusts one that is back only after a second.
   */
  readonly outages?: { readonly upMs: SpanMs; readonly downMs: SpanMs }
}

/** Says of each request what befalls it, at once. What it throws, and a ValidationError for what is no fault, rejects `run` and `runUntil`; in real time nobody catches it. */
export type FaultScript = (request: NetworkRequest) => NetworkFault | undefined

/** Such as say that nothing happened, or that it is unknown. */
const BEFORE_EFFECT = [503, 429, 500, 502, 504, 408, 425] as const

/** Such as leave it unknown: another would be a lie. */
const AFTER_EFFECT = [503, 500, 502, 504, 408] as const

/**
 * What is drawn for a request depends on the seed, the request and its attempt alone: not on what else is under way, nor on which of two was quicker.
 */
export function choicesFor(seed: number, { method, path, attempt }: NetworkRequest, what: string, body: string | null): Choices {
  return choicesOf(recordedTape(splitSeed(seed, `${what} ${attempt} ${method} ${path} ${body ?? ''}`)))
}

export function drawFault(choices: Choices, faults: DrawnFaults): NetworkFault | undefined {
  const [first, ...others] = faults.types ?? NETWORK_FAULTS
  const { delayMaxMs = 5_000, retryAfterMaxSeconds = 5 } = faults
  if (first === undefined || !choices.chance(faults.rate)) return undefined
  const type = choices.pick([first, ...others])
  const delayMs = choices.whole(0, delayMaxMs)
  const isOnItsWay = choices.chance(0.5)
  const status = type === 'error-after-effect' ? choices.pick(AFTER_EFFECT) : choices.pick(BEFORE_EFFECT)
  const seconds = choices.whole(0, retryAfterMaxSeconds)
  if (type === 'duplicated') return { type, afterMs: delayMs }
  if (type === 'late') return isOnItsWay ? { type, thereMs: delayMs } : { type, backMs: delayMs }
  if (type !== 'error-status' && type !== 'error-after-effect') return { type }
  return isOnItsWay ? { type, status } : { type, status, retryAfter: String(seconds) }
}

/** @throws ValidationError that names what is out of range. */
export function checkDrawn(faults: DrawnFaults): void {
  checkFields('faults', faults, ['rate', 'types', 'delayMaxMs', 'retryAfterMaxSeconds', 'outages'])
  const { rate, types = [], delayMaxMs = 0, retryAfterMaxSeconds = 0, outages } = faults
  if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1))
    throw new ValidationError('faults.rate', 'must be a number from 0 to 1.')
  if (!Array.isArray(types)) throw new ValidationError('faults.types', 'must be a list of faults.')
  for (const type of types) {
    if (!NETWORK_FAULTS.includes(type))
      throw new ValidationError('faults.types', `${type} is no fault. There are ${NETWORK_FAULTS.join(', ')}.`)
  }
  checkSpan('faults.delayMaxMs', [0, delayMaxMs])
  checkSpan('faults.retryAfterMaxSeconds', [0, retryAfterMaxSeconds])
  if (outages === undefined) return
  checkFields('faults.outages', outages, ['upMs', 'downMs'])
  checkSpan('faults.outages.upMs', outages.upMs)
  checkSpan('faults.outages.downMs', outages.downMs)
}

export function checkSpan(path: string, span: SpanMs): void {
  if (Array.isArray(span) && span.length === 2) {
    const [min, max] = span
    if (Number.isSafeInteger(min) && Number.isSafeInteger(max) && min >= 0 && max >= min) return
  }
  throw new ValidationError(path, 'must be whole numbers from 0 up, the second not below the first.')
}
