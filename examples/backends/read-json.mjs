// One GET, and what a pull says where it fails.
import { AuthenticationError, NetworkError, ServerError } from '../../dist/src/index.js'

/** Gives `{ value, headers }`, or what the pull is to answer instead. Never rejects. */
export async function readJson({ baseURL, headers, auth }, path, signal) {
  try {
    const response = await asked()
    if (response.status !== 401) return await read(response)
    return { type: 'auth', error: new AuthenticationError('The server wants credentials.') }
  } catch (cause) {
    return failed(new NetworkError('The page of changes could not be had; it is asked for again.', { cause }))
  }

  async function asked() {
    const response = await ask()
    if (response.status !== 401 || auth?.refresh === undefined) return response
    await auth.refresh()
    return ask()
  }

  async function ask() {
    const token = await auth?.token()
    const credentials = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    const all = { Accept: 'application/json', ...headers, ...credentials }
    return fetch(baseURL.replace(/\/$/, '') + path, { headers: all, redirect: 'manual', signal })
  }
}

async function read(response) {
  const { status, headers } = response
  const text = await response.text()
  if (status !== 200) {
    const seconds = Number(headers.get('retry-after'))
    return failed(new ServerError(`The server answered ${status}, and not with changes.`, { status }), seconds * 1000)
  }
  try {
    return { value: JSON.parse(text), headers }
  } catch {
    return unreadable('it is not JSON')
  }
}

export function unreadable(reason) {
  const message = `The server answered 200, but not with changes: ${reason}. Check the route, and what stands before the API.`
  return failed(new ServerError(message, { code: 'unreadable', status: 200 }))
}

/** One change that can't be used: it is told of, and the others are taken. */
export function unusable(id, reason) {
  return { id, error: new ServerError(`A change can't be used: ${reason}.`, { code: 'unusable-change', status: 200 }) }
}

function failed(error, retryAfterMs) {
  return { type: 'failed', error, ...(retryAfterMs > 0 ? { retryAfterMs } : {}) }
}
