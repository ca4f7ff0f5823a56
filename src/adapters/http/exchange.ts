import { AuthenticationError, NetworkError, TimeoutError } from '../../core/errors.ts'
import type { Clock, Outcome, ServerWishes } from '../../core/ports.ts'
import { parseServerWishes } from '../../core/server-wishes.ts'
import { checkUser, type Credential, type Credentials } from './auth.ts'
import { startDeadline, type Deadline } from './deadline.ts'
import { networkFailure } from './failures.ts'
import type { HttpSettings } from './options.ts'
import type { IncomingResponse, Wire } from './wire.ts'

export interface WireRequest {
  readonly method: string
  /** Checked already: below the base URL. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly maxResponseBytes: number
}

/** In lower case. */
type ReadHeader = 'content-type' | 'date' | 'etag' | 'retry-after' | 'synchart-max-batch' | 'synchart-min-poll' | 'synchart-pause'

export interface Answer {
  readonly type: 'answer'
  readonly status: number
  readonly headers: Readonly<Record<ReadHeader, string | undefined>>
  readonly text: string
  /** Wall-clock time, milliseconds since 1970. */
  readonly receivedAt: number
  /** What must not occur in anything made from the answer. */
  readonly secret: string | undefined
}

export interface NoAnswer {
  readonly type: 'none'
  readonly outcome: Extract<Outcome, { type: 'retry' | 'unknown' | 'auth' }>
}

/** Never rejects. */
export type Exchange = (request: WireRequest, signal: AbortSignal) => Promise<Answer | NoAnswer>

const ANONYMOUS: Credentials = { token: undefined, generation: 0 }

/** What carries requests, and the clock of their limits: the real ones, or simulated ones. */
export interface HttpPlatform {
  readonly wire: Wire
  readonly clock: Pick<Clock, 'now' | 'schedule'>
}

/**
 * Sends one request to the configured server and to no other; with an outdated token a second time after a refresh. For a user, if one is named, nothing
 * is sent with the token of another.
 */
export function createExchange(
  settings: HttpSettings,
  platform: HttpPlatform,
  credential: Credential | undefined,
  user: string | undefined,
): Exchange {
  const { clock } = platform
  const dispatch = createDispatch(settings, platform)

  async function current({ current: ask }: Credential): Promise<Credentials> {
    const credentials = await ask()
    if (user !== undefined) checkUser(settings.auth?.user, user)
    return credentials
  }

  async function attempt(request: WireRequest, deadline: Deadline): Promise<Answer | NoAnswer> {
    if (credential === undefined) return dispatch(request, ANONYMOUS, deadline)
    const used = await before(() => current(credential), deadline)
    if (used.type === 'none') return used
    const answer = await dispatch(request, used.value, deadline)
    if (answer.type === 'none' || answer.status !== 401) return answer
    const renewed = await before(async () => ((await credential.renew(used.value)) ? current(credential) : undefined), deadline)
    if (renewed.type === 'none') return renewed
    return renewed.value === undefined ? answer : dispatch(request, renewed.value, deadline)
  }

  return async (request, signal) => {
    if (signal.aborted) return unsent(undefined, 'aborted')
    const deadline = startDeadline(clock, settings.timeoutMs, signal)
    try {
      return await attempt(request, deadline)
    } finally {
      deadline.end()
    }
  }
}

type Dispatch = (request: WireRequest, credentials: Credentials, deadline: Deadline) => Promise<Answer | NoAnswer>

function createDispatch(settings: HttpSettings, { wire, clock }: HttpPlatform): Dispatch {
  return async (request, { token }, deadline) => {
    if (deadline.signal.aborted) return unsent(undefined, deadline.state())
    try {
      const { status, headers, data } = await wire({
        url: settings.baseURL + request.path,
        method: request.method,
        headers: headersOf(request, settings.headers, token),
        body: request.body,
        maxBodyBytes: settings.maxBodyBytes,
        maxResponseBytes: request.maxResponseBytes,
        signal: deadline.signal,
      })
      return {
        type: 'answer',
        // The fetch API hides a redirect that it does not follow behind the status 0.
        status: status === 0 ? 302 : status,
        headers: readable(headers),
        text: text(data) ?? '',
        receivedAt: clock.now(),
        secret: token,
      }
    } catch (error) {
      return interrupted(deadline) ?? { type: 'none', outcome: networkFailure(error, token) }
    }
  }
}

function headersOf(request: WireRequest, common: HttpSettings['headers'], token: string | undefined): Record<string, string> {
  const headers = { Accept: 'application/json, application/problem+json', ...common, ...request.headers }
  return token === undefined ? headers : { ...headers, Authorization: `Bearer ${token}` }
}

function readable(headers: IncomingResponse['headers']): Answer['headers'] {
  return {
    'content-type': text(headers['content-type']),
    date: text(headers['date']),
    etag: text(headers['etag']),
    'retry-after': text(headers['retry-after']),
    'synchart-max-batch': text(headers['synchart-max-batch']),
    'synchart-min-poll': text(headers['synchart-min-poll']),
    'synchart-pause': text(headers['synchart-pause']),
  }
}

/** What it asks of its client besides. */
export function wishesOf({ headers }: Answer): { readonly wishes?: ServerWishes } {
  const wishes = parseServerWishes(headers)
  return wishes === undefined ? {} : { wishes }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Runs what must precede the request; as long as it has not ended, nothing has left. */
async function before<T>(
  task: () => Promise<T>,
  deadline: Deadline,
): Promise<{ readonly type: 'ready'; readonly value: T } | NoAnswer> {
  try {
    return { type: 'ready', value: await deadline.race(task()) }
  } catch (error) {
    return unsent(error, deadline.state())
  }
}

function unsent(error: unknown, state: ReturnType<Deadline['state']>): NoAnswer {
  if (error instanceof AuthenticationError) return { type: 'none', outcome: { type: 'auth', error } }
  if (state === 'expired') {
    const late = new TimeoutError(
      'auth.token or auth.refresh took longer than timeoutMs; nothing was sent. It is tried again; check the log-in service.',
    )
    return { type: 'none', outcome: { type: 'retry', error: late } }
  }
  return {
    type: 'none',
    outcome: { type: 'retry', error: new NetworkError('The send was called off before anything left.', { code: 'aborted' }) },
  }
}

function interrupted(deadline: Deadline): NoAnswer | undefined {
  if (deadline.state() === 'expired') {
    const late = new TimeoutError(
      'No complete answer came within timeoutMs. A write may have been applied; it is tried again with the same key.',
    )
    return { type: 'none', outcome: { type: 'unknown', error: late } }
  }
  if (deadline.state() !== 'aborted') return undefined
  const aborted = new NetworkError(
    'The send was called off while it was under way. A write may have been applied; it is tried again with the same key.',
    { code: 'aborted' },
  )
  return { type: 'none', outcome: { type: 'unknown', error: aborted } }
}
