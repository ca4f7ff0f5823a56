import { ValidationError } from '../../core/errors.ts'
import { LONGEST_TIMER_MS } from '../../core/longest-timer.ts'
import type { Clock, Connectivity } from '../../core/ports.ts'
import { isRecord } from '../../core/schema.ts'
import { platformConnectivity } from '../platform-connectivity.ts'
import { systemClock } from '../system-clock.ts'
import { startDeadline } from './deadline.ts'
import { checkBaseURL, whole } from './options.ts'
import { checkPath } from './safety.ts'
import { axiosWire, type IncomingResponse, type Wire } from './wire.ts'

export interface HttpProbeOptions {
  /** Of the API. Its host is asked and no other: a portal may well let other hosts through. */
  readonly baseURL: string
  /** Below the base URL. Default `/`. An answer to it must be cheap, and need no credentials: none are sent. */
  readonly path?: string
  /** Default `GET`, whose body a portal can't hide. `HEAD` is judged by status and content type alone. */
  readonly method?: 'GET' | 'HEAD'
  /** No answer after this is no network. Default 5,000. */
  readonly timeoutMs?: number
  /** For an API that answers this path in HTML: whether an answer came from it. Replaces the judgement of status, type and body. */
  readonly expect?: (answer: ProbeAnswer) => boolean
}

export interface ProbeAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, unknown>>
  /** An answer of more than 64 KiB is none. */
  readonly body: string
}

/** Whether the server of an API can be reached. Never rejects. */
export type HttpProbe = (signal: AbortSignal) => Promise<boolean>

const TIMEOUT_MS = 5_000
const MAX_BODY_BYTES = 65_536
const KNOWN: ReadonlySet<string> = new Set(['baseURL', 'path', 'method', 'timeoutMs', 'expect'])

/**
 * Asks the API itself whether it can be reached, and is not taken in by a captive portal.
 * @throws ValidationError that names the wrong option.
 */
export function httpProbe(options: HttpProbeOptions): HttpProbe {
  return probeOver({ wire: axiosWire(), clock: systemClock }, options)
}

/** The platform's word, and this probe where the word can't be relied on: for `ports: { connectivity: httpConnectivity({ baseURL }) }`. */
export function httpConnectivity(options: HttpProbeOptions): Connectivity {
  return { ...platformConnectivity, probe: httpProbe(options) }
}

function probeOver({ wire, clock }: { readonly wire: Wire; readonly clock: Pick<Clock, 'schedule'> }, options: HttpProbeOptions) {
  const { url, method, timeoutMs, expect } = checkProbe(options)
  return async (signal: AbortSignal): Promise<boolean> => {
    if (signal.aborted) return false
    const deadline = startDeadline(clock, timeoutMs, signal)
    try {
      const request = { url, method, headers: { Accept: 'application/json, application/problem+json' }, body: null }
      const sent = wire({ ...request, maxBodyBytes: 0, maxResponseBytes: MAX_BODY_BYTES, signal: deadline.signal })
      return expect(answerOf(await deadline.race(sent)))
    } catch {
      return false
    } finally {
      deadline.end()
    }
  }
}

function answerOf({ status, headers, data }: IncomingResponse): ProbeAnswer {
  return { status, headers, body: typeof data === 'string' ? data : '' }
}

/**
 * Any answer that an API gives is one, also a refusal (401, 404, 429, 503): the question is who answers, not what. What is none:
 * - 3xx, or 0 as the fetch API calls a redirect that it did not follow: a portal leads to its log-in page;
 * - 511 (RFC 6585) and 407: a portal or a proxy that says so;
 * - HTML, by its content type or its first characters: a portal's page. Web servers refuse in HTML as well, so an API whose
 *   front does that at this path needs another `path`, or `expect`.
 */
function isFromApi({ status, headers, body }: ProbeAnswer): boolean {
  if (status < 200 || (status >= 300 && status <= 399) || status === 407 || status === 511) return false
  const type = headers['content-type']
  if (typeof type === 'string' && /^(?:text\/html|application\/xhtml\+xml)\b/i.test(type.trim())) return false
  return !looksLikeMarkup(body)
}

function looksLikeMarkup(body: string): boolean {
  return /^\uFEFF?\s*</.test(body)
}

function checkProbe(options: HttpProbeOptions) {
  if (!isRecord(options)) throw new ValidationError('httpProbe', 'give an object with at least a baseURL')
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw new ValidationError(name, `is no option of httpProbe; there are ${[...KNOWN].join(', ')}`)
  }
  const { baseURL, path = '/', method = 'GET', timeoutMs = TIMEOUT_MS, expect = isFromApi } = options
  if (method !== 'GET' && method !== 'HEAD') throw new ValidationError('method', 'must be GET or HEAD')
  if (typeof expect !== 'function') throw new ValidationError('expect', 'must be a function from an answer to true or false')
  const url = checkBaseURL(baseURL) + checkPath('path', path)
  return { url, method, timeoutMs: whole('timeoutMs', timeoutMs, LONGEST_TIMER_MS), expect }
}
