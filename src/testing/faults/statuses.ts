import type { ServerResponse } from '../world/messages.ts'
import type { Choices } from '../world/tape.ts'

/** Whatever stands between may say these at any time; the request was not processed. */
const ANY_TIME = [
  429, 503, 500, 408, 421, 425, 502, 504, 401, 403, 407, 511, 301, 302, 303, 307, 308, 402, 405, 406, 411, 413, 414, 415, 431,
  451, 501, 505,
] as const

/** The API's own word on the request: said once, it is kept under the key, as an honest server does. */
const DEFINITE = [412, 409, 428, 400, 404, 410, 422] as const

/** Values that were seen in the wild; few of them are valid (RFC 9110 §10.2.3). */
const RETRY_AFTER = [
  undefined,
  '1',
  '0',
  '2',
  '3',
  '10',
  '-5',
  '1.5',
  '1, 2',
  'soon',
  '',
  ' 4 ',
  '1e3',
  '0x10',
  'Wed, 21 Oct 2015 07:28:00 GMT',
  'Thu, 01 Jan 2026 00:01:00 GMT',
  'Infinity',
  '2147483648000',
] as const

export interface Refusal {
  readonly response: ServerResponse
  readonly isDefinite: boolean
}

/** Draws three choices. */
export function drawRefusal(choices: Choices, mayBeDefinite: boolean): Refusal {
  const wantsDefinite = choices.chance(0.25)
  const place = choices.unit()
  const retryAfter = drawRetryAfter(choices)
  const isDefinite = wantsDefinite && mayBeDefinite
  const statuses: readonly number[] = isDefinite ? DEFINITE : ANY_TIME
  const status = statuses[Math.floor(place * statuses.length)] ?? 503
  return { response: responseOf(status, retryAfter), isDefinite }
}

export function drawRetryAfter(choices: Choices): string | undefined {
  return choices.pick(RETRY_AFTER)
}

export function responseOf(status: number, retryAfter: string | undefined, type = 'about:blank'): ServerResponse {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) },
    body: JSON.stringify({ type, title: 'Refused', status }),
  }
}
