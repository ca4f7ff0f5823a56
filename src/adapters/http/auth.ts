import { AuthenticationError, TimeoutError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports.ts'
import { cleanCause } from './failures.ts'
import type { HttpAuth } from './options.ts'

/** What one request uses. */
export interface Credentials {
  readonly token: string | undefined
  /** Counts the refreshes, so that many answers to one outdated token lead to one refresh. */
  readonly generation: number
}

export interface Credential {
  /** @throws AuthenticationError */
  current(): Promise<Credentials>
  /** Renews what `used` was refused for, unless somebody has since. False if there is no way to. @throws AuthenticationError */
  renew(used: Credentials): Promise<boolean>
}

/** Fetches tokens at send time and refreshes once for all. */
export function createCredential(clock: Pick<Clock, 'schedule'>, auth: HttpAuth, timeoutMs: number): Credential {
  let generation = 0
  let failure: AuthenticationError | undefined
  let refreshing: Promise<void> | undefined
  /** Only to take it out of the messages of errors. */
  let latest: string | undefined

  async function current(): Promise<Credentials> {
    await refreshing
    const at = generation
    const token = checkToken(await ask(auth.token, latest))
    latest = token
    return { token, generation: at }
  }

  async function renew(used: Credentials): Promise<boolean> {
    if (auth.refresh === undefined) return false
    if (used.generation === generation) refreshing ??= refresh(auth.refresh)
    await refreshing
    // With another token somebody has logged in since.
    if (failure !== undefined && (await current()).token === used.token) throw failure
    return true
  }

  async function refresh(task: () => Promise<void>): Promise<void> {
    try {
      await within(clock, timeoutMs, task)
      failure = undefined
    } catch (error) {
      const message = 'The credentials could not be renewed: auth.refresh failed. Log in again; the queue is kept.'
      failure = new AuthenticationError(message, { status: 401, cause: cleanCause(error, latest) })
    }
    generation += 1
    refreshing = undefined
  }

  return { current, renew }
}

async function ask(token: HttpAuth['token'], secret: string | undefined): Promise<unknown> {
  try {
    return await token()
  } catch (error) {
    const message = 'No token could be fetched: auth.token failed. Log in again; the queue is kept.'
    throw new AuthenticationError(message, { cause: cleanCause(error, secret) })
  }
}

/** @throws AuthenticationError if the token is another user's. */
export function checkUser(userOf: HttpAuth['user'], user: string): void {
  const found = whoseBy(userOf)
  if (found === undefined || found === user) return
  const message =
    'The token is of another user than the engine; nothing was sent. Log in as its user, or log out and make an engine of the other.'
  throw new AuthenticationError(message, { code: 'wrong-user' })
}

function whoseBy(userOf: HttpAuth['user']): string | undefined {
  try {
    return userOf?.()
  } catch (error) {
    throw new AuthenticationError('auth.user failed, so nothing was sent.', { cause: cleanCause(error, undefined) })
  }
}

function checkToken(token: unknown): string | undefined {
  if (token === undefined || token === null) return undefined
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token
  throw new AuthenticationError(
    'auth.token gave something else than a token: it must resolve with a string of printable ASCII without spaces, or undefined.',
  )
}

/** A refresh that never ends must not keep all later ones from starting. */
async function within(clock: Pick<Clock, 'schedule'>, limitMs: number, task: () => Promise<void>): Promise<void> {
  let cancel = (): void => {}
  const limit = new Promise<never>((_, reject) => {
    cancel = clock.schedule(() => reject(new TimeoutError(`auth.refresh took longer than ${limitMs} ms.`)), limitMs)
  })
  try {
    await Promise.race([task(), limit])
  } finally {
    cancel()
  }
}
