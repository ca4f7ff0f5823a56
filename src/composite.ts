import { NetworkError, SyncError, TimeoutError, ValidationError } from './core/errors.ts'
import { isRecord } from './core/schema.ts'

/** An interface of methods that return promises. */
export type AsyncService<Service> = { [Name in keyof Service]: (...args: never[]) => Promise<unknown> }

export interface CompositeOptions<Service> {
  /** A plain object or the instance of a class; methods are called on it. */
  readonly online: Service
  /** The same methods. Answers while there is no network, and when `online` fails for want of it. */
  readonly offline: Service
  /** Asked before each call. If it fails, `online` is tried. */
  readonly isOnline: () => boolean | Promise<boolean>
  /** Whether an error of `online` says that the network is not there. Default: `isNetworkFailure`. */
  readonly isNetworkError?: (error: unknown) => boolean
}

/** The network is not there, and the offline implementation failed as well. */
export class CompositeError extends SyncError {
  override readonly name = 'CompositeError'
  readonly method: string
  /** What the online implementation failed with, and then the offline one; as they were thrown. */
  readonly errors: readonly [online: unknown, offline: unknown]
  constructor(method: string, online: unknown, offline: unknown) {
    const message = `${method} failed online and offline. See errors[0] for the network's failure, errors[1] for the offline implementation's; the call may succeed when the network is back.`
    super('both-failed', message, { cause: online, retryable: true })
    this.method = method
    this.errors = [online, offline]
  }
}

/**
 * One service over two implementations. A call goes to `online` while there is a network, else to `offline`; and to `offline` if
 * `online` fails for want of a network. Any other failure is the caller's, as it was thrown: a refusal is an answer.
 * A write that failed for want of a network may have been applied: give both implementations the same idempotency key.
 * A method that only one of them has rejects with a `ValidationError` at every call, not first when the network is gone.
 */
export function createCompositeService<Service extends object & AsyncService<Service>>(
  options: CompositeOptions<Service>,
): Service {
  const { online, offline, isOnline, isNetworkError = isNetworkFailure } = checkOptions(options)

  async function call(method: string, args: readonly unknown[]): Promise<unknown> {
    const [there, here] = [demand(online, 'online', method), demand(offline, 'offline', method)]
    if (!(await believes(isOnline))) return Reflect.apply(here, offline, args)
    try {
      return await Reflect.apply(there, online, args)
    } catch (error) {
      if (!isNetworkError(error)) throw error
      return fallBack(method, async () => Reflect.apply(here, offline, args), error)
    }
  }

  async function fallBack(method: string, here: () => Promise<unknown>, failure: unknown): Promise<unknown> {
    try {
      return await here()
    } catch (error) {
      throw new CompositeError(method, failure, error)
    }
  }

  const methods = new Map<string, (...args: unknown[]) => Promise<unknown>>()
  /** Inherits from `online`, for `instanceof`; has nothing of its own that a proxy would be held to. */
  const target: Service = Object.create(online)
  return new Proxy(target, {
    get(_, name) {
      if (typeof name !== 'string' || name in Object.prototype) return Reflect.get(target, name)
      if (methodOf(online, name) === undefined && methodOf(offline, name) === undefined) return undefined
      const known = methods.get(name) ?? ((...args) => call(name, args))
      methods.set(name, known)
      return known
    },
  })
}

/** Codes of Node, undici and axios for a connection that did not come about, or broke. */
const NETWORK_CODES =
  /^(?:E(?:CONN(?:REFUSED|RESET|ABORTED)|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH|NETDOWN|HOSTDOWN|NOTFOUND|AI_AGAIN)|ERR_NETWORK|UND_ERR_(?:CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|SOCKET))$/

/**
 * Whether an error says that the network is not there: synchart's `NetworkError` and `TimeoutError`, `AbortSignal.timeout`'s, Node's and axios'
 * by their codes, looked for along `cause`. The `TypeError` of a browser's `fetch` is none, for it can't be told from a mistake in
 * the code: catch it where it is made, and throw a `NetworkError`.
 */
export function isNetworkFailure(error: unknown): boolean {
  const seen = new Set<unknown>()
  for (let each = error; isObject(each) && !seen.has(each); each = 'cause' in each ? each.cause : undefined) {
    seen.add(each)
    if (each instanceof NetworkError || each instanceof TimeoutError) return true
    if (each instanceof DOMException && (each.name === 'NetworkError' || each.name === 'TimeoutError')) return true
    if ('code' in each && typeof each.code === 'string' && NETWORK_CODES.test(each.code)) return true
  }
  return false
}

async function believes(isOnline: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await isOnline()
  } catch {
    return true
  }
}

type Method = (...args: unknown[]) => unknown

function methodOf(service: object, name: string): Method | undefined {
  const found: unknown = Reflect.get(service, name)
  return isMethod(found) ? found : undefined
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function'
}

function checkOptions<Service extends object>(options: CompositeOptions<Service>): CompositeOptions<Service> {
  if (!isRecord(options)) throw new ValidationError('options', 'must be an object with online, offline and isOnline')
  const { online, offline, isOnline, isNetworkError } = options
  if (!isObject(online)) throw new ValidationError('online', 'must be an object with methods')
  if (!isObject(offline)) throw new ValidationError('offline', 'must be an object with methods')
  if (typeof isOnline !== 'function') throw new ValidationError('isOnline', 'must be a function that gives true or false')
  if (isNetworkError !== undefined && typeof isNetworkError !== 'function')
    throw new ValidationError('isNetworkError', 'must be a function from an error to true or false')
  return options
}

function demand(service: object, which: string, name: string): Method {
  const found = methodOf(service, name)
  if (found === undefined) throw new ValidationError(`${which}.${name}`, 'is missing: both implementations need it')
  return found
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
