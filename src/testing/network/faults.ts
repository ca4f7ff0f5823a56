import { ValidationError } from '../../core/errors.ts'
import { isRecord } from '../../core/schema.ts'
import { checkFields, checkMs } from '../check.ts'
import { cutOff, incomplete, PORTAL_PAGE } from '../faults/requests.ts'
import { responseOf } from '../faults/statuses.ts'
import type { ServerResponse } from '../world/messages.ts'
import type { Fate } from '../world/travel.ts'

/**
 * What can befall one request.
 * - `request-lost`: the connection breaks before the server has it: no effect;
 * - `response-lost`: the connection breaks after the effect, before the answer;
 * - `duplicated`: it comes to the server once more, `afterMs` (default 0) later;
 * - `late`: it takes `thereMs` (default 0) longer to the server and `backMs` (default 0) longer back; if the sender gives up meanwhile, it arrives all the same;
 * - `truncated`: the effect, and an answer of which the second half is missing;
 * - `portal-page`: a captive portal answers 200 with an HTML page; no effect;
 * - `error-status`: the answer is a problem in JSON with `status`, and `Retry-After: {retryAfter}` if that is given; no effect. 400, 404, 410 and 422 so become the API's own
 *   word that nothing was applied: a lie where an earlier attempt had its effect;
 * - `error-after-effect`: the effect, and then such an answer instead of the server's. A status that denies the effect (4xx but 408) makes a server of it that lies,
 *   and no engine can keep its promises to that.
 */
export type NetworkFault =
  | { readonly type: 'request-lost' | 'response-lost' | 'truncated' | 'portal-page' }
  | { readonly type: 'duplicated'; readonly afterMs?: number }
  | { readonly type: 'late'; readonly thereMs?: number; readonly backMs?: number }
  | ErrorFault

export interface ErrorFault {
  readonly type: 'error-status' | 'error-after-effect'
  /** 400 to 599. */
  readonly status: number
  /** The header's text, as `'120'` or an HTTP date; may be as wrong as servers make it. */
  readonly retryAfter?: string | undefined
  /** Of the RFC 9457 body, as `urn:synchart:problem:idempotency-in-progress`. Default `about:blank`. */
  readonly problemType?: string | undefined
}

export type NetworkFaultType = NetworkFault['type']

const STATUS = ['status', 'retryAfter', 'problemType']

/** What may be said of each. */
const FIELDS: Readonly<Record<NetworkFaultType, readonly string[]>> = {
  'request-lost': [],
  'response-lost': [],
  duplicated: ['afterMs'],
  late: ['thereMs', 'backMs'],
  truncated: [],
  'portal-page': [],
  'error-status': STATUS,
  'error-after-effect': STATUS,
}

export const NETWORK_FAULTS: readonly NetworkFaultType[] = [
  'request-lost',
  'response-lost',
  'duplicated',
  'late',
  'truncated',
  'portal-page',
  'error-status',
  'error-after-effect',
]

/** What a script of the application gave. @throws ValidationError if that is no fault. */
export function checkFault(given: unknown): asserts given is NetworkFault | undefined {
  if (given === undefined) return
  if (!isRecord(given) || 'then' in given)
    throw new ValidationError('faults', 'the script must give a fault as { type }, or undefined, at once and not as a promise.')
  const { type, status } = given
  if (!isFaultType(type))
    throw new ValidationError('faults.type', `${String(type)} is no fault. There are ${NETWORK_FAULTS.join(', ')}.`)
  checkFields('faults', given, ['type', ...FIELDS[type]])
  for (const key of ['afterMs', 'thereMs', 'backMs']) if (given[key] !== undefined) checkMs(`faults.${key}`, given[key])
  for (const key of ['retryAfter', 'problemType']) {
    if (given[key] !== undefined && typeof given[key] !== 'string') throw new ValidationError(`faults.${key}`, 'must be a text.')
  }
  if (FIELDS[type] === STATUS && !(typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599))
    throw new ValidationError('faults.status', 'must be a whole number from 400 to 599.')
}

function isFaultType(type: unknown): type is NetworkFaultType {
  return NETWORK_FAULTS.some((known) => known === type)
}

/** How a request fares that would otherwise need `thereMs` and `backMs`. */
export function fateOf(fault: NetworkFault | undefined, { thereMs, backMs }: Pick<Fate, 'thereMs' | 'backMs'>): Fate {
  const plain = { thereMs, backMs }
  switch (fault?.type) {
    case undefined:
      return plain
    case 'request-lost':
      return { ...plain, lost: 'request' }
    case 'response-lost':
      return { ...plain, lost: 'response' }
    case 'duplicated':
      return { ...plain, againMs: fault.afterMs ?? 0 }
    case 'late':
      return { thereMs: thereMs + (fault.thereMs ?? 0), backMs: backMs + (fault.backMs ?? 0) }
    case 'truncated':
      return { ...plain, mangle: (response) => (response.body === '' ? incomplete() : cutOff(response)) }
    case 'portal-page':
      return { ...plain, intercepted: PORTAL_PAGE }
    case 'error-status':
      return { ...plain, intercepted: refusal(fault) }
    case 'error-after-effect':
      return { ...plain, mangle: () => refusal(fault) }
  }
}

function refusal({ status, retryAfter, problemType }: ErrorFault): ServerResponse {
  return responseOf(status, retryAfter, problemType)
}
