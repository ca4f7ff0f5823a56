import { ValidationError } from '../../core/errors.ts'
import { LONGEST_TIMER_MS } from '../../core/longest-timer.ts'
import type { Json } from '../../core/json.ts'
import type { OutgoingOperation } from '../../core/ports.ts'
import { isRecord } from '../../core/schema.ts'
import { checkHeaders, checkPath } from './safety.ts'

/** The request of an operation. Credentials have no place in it: it is stored. */
export interface Route {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base URL, starting with one `/`; ids in it are encoded with `encodeURIComponent`. May have a query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON: `application/json`, unless `headers` name another JSON type. Absent: no body. */
  readonly body?: Json
}

/** Must be pure: the same operation gives the same request. */
export type RouteFunction = (operation: OutgoingOperation) => Route

export interface EntityRoutes {
  /** The path of the collection, as `/api/v2/notes`: for default routes, and to read an entity after a conflict. Default: `/{entity}`. */
  readonly path?: string
  /**
   * By type of operation: `create`, `update`, `replace`, `delete` or one of your own. It sets its own `If-Match`, from `baseVersion`.
   * Default for types of your own: `POST {path}/{id}/{type}`.
   */
  readonly [type: string]: RouteFunction | string | undefined
}

export interface HttpAuth {
  /** Asked before each request for a bearer token; undefined sends none. */
  readonly token: () => Promise<string | undefined>
  /** Called once for all concurrent 401 answers; afterwards `token` is asked again and each request is repeated once. */
  readonly refresh?: () => Promise<void>
  /**
   * Whose token it is, where that can be told: asked each time that `token` has given one. Undefined if it is not known. With the token of another user
   * than the engine's nothing is sent: sending pauses with the reason `auth`, and the error `wrong-user`.
   */
  readonly user?: () => string | undefined
}

export interface BatchOptions {
  /** Default `/batch`. */
  readonly path?: string
  /** Most operations in one request. Default 100. */
  readonly maxOperations?: number
}

export interface HttpTransportOptions {
  /** Where the API is: http or https, without credentials, query and fragment. Its path is kept. */
  readonly baseURL: string
  /** From the start of a send, fetching the token included, to the end of the answer. Default 30,000. */
  readonly timeoutMs?: number
  readonly auth?: HttpAuth
  /** Largest request body. Default 1 MiB. */
  readonly maxBodyBytes?: number
  /** Largest response body, after decompression. Default 1 MiB. The answer to a batch may be 8 times as large. */
  readonly maxResponseBytes?: number
  /** Largest page of changes, after decompression. Default 16 MiB. */
  readonly maxPageBytes?: number
  /** Sent with every request, never stored. */
  readonly headers?: Readonly<Record<string, string>>
  /** By entity: where the API has other URLs or methods. */
  readonly routes?: Readonly<Record<string, EntityRoutes>>
  /** False if the API has no batch endpoint. */
  readonly batch?: BatchOptions | false
}

export interface EntitySettings {
  readonly path: string | undefined
  readonly routes: ReadonlyMap<string, RouteFunction>
}

export interface HttpSettings {
  /** Without a slash at the end. */
  readonly baseURL: string
  readonly timeoutMs: number
  readonly auth: HttpAuth | undefined
  readonly maxBodyBytes: number
  readonly maxResponseBytes: number
  readonly maxPageBytes: number
  readonly headers: Readonly<Record<string, string>>
  readonly entities: ReadonlyMap<string, EntitySettings>
  readonly batch: Required<BatchOptions> | undefined
}

const HTTP_DEFAULTS = {
  timeoutMs: 30_000,
  maxBodyBytes: 1_048_576,
  maxResponseBytes: 1_048_576,
  maxPageBytes: 16_777_216,
  batch: { path: '/batch', maxOperations: 100 },
} as const

const KNOWN: ReadonlySet<string> = new Set([
  'baseURL',
  'timeoutMs',
  'auth',
  'maxBodyBytes',
  'maxResponseBytes',
  'maxPageBytes',
  'headers',
  'routes',
  'batch',
])

/** @throws ValidationError that names the option. */
export function checkOptions(options: HttpTransportOptions): HttpSettings {
  if (!isRecord(options)) throw new ValidationError('httpTransport', 'give an object with at least a baseURL')
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw new ValidationError(name, `is no option of httpTransport; there are ${[...KNOWN].join(', ')}`)
  }
  const auth = checkAuth(options.auth)
  return {
    baseURL: checkBaseURL(options.baseURL),
    timeoutMs: whole('timeoutMs', options.timeoutMs ?? HTTP_DEFAULTS.timeoutMs, LONGEST_TIMER_MS),
    auth,
    maxBodyBytes: whole('maxBodyBytes', options.maxBodyBytes ?? HTTP_DEFAULTS.maxBodyBytes, Number.MAX_SAFE_INTEGER),
    maxResponseBytes: whole(
      'maxResponseBytes',
      options.maxResponseBytes ?? HTTP_DEFAULTS.maxResponseBytes,
      Number.MAX_SAFE_INTEGER,
    ),
    maxPageBytes: whole('maxPageBytes', options.maxPageBytes ?? HTTP_DEFAULTS.maxPageBytes, Number.MAX_SAFE_INTEGER),
    headers: checkHeaders('headers', options.headers ?? {}, auth === undefined ? 'anonymous' : 'authenticated'),
    entities: checkRoutes(options.routes ?? {}),
    batch: checkBatch(options.batch ?? {}),
  }
}

export function checkBaseURL(value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ValidationError('baseURL', 'give an absolute http or https URL, as https://api.example.com/v1')
  }
  if (url.username !== '' || url.password !== '') {
    throw new ValidationError('baseURL', 'must not hold credentials; give them through auth.token')
  }
  if (/[?#]/.test(url.href)) throw new ValidationError('baseURL', 'must have no query and no fragment')
  return url.href.replace(/\/+$/, '')
}

export function whole(path: string, value: unknown, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= max) return value
  throw new ValidationError(path, `must be a whole number from 1 to ${max}`)
}

function checkAuth(auth: HttpAuth | undefined): HttpAuth | undefined {
  if (auth === undefined) return undefined
  if (!isRecord(auth) || typeof auth['token'] !== 'function') {
    throw new ValidationError('auth.token', 'give a function that resolves with the bearer token, or undefined')
  }
  if (auth['refresh'] !== undefined && typeof auth['refresh'] !== 'function') {
    throw new ValidationError('auth.refresh', 'must be a function that renews the token')
  }
  if (auth['user'] !== undefined && typeof auth['user'] !== 'function') {
    throw new ValidationError('auth.user', 'must be a function that tells whose token it is')
  }
  return auth
}

function checkBatch(batch: BatchOptions | false): Required<BatchOptions> | undefined {
  if (batch === false) return undefined
  if (!isRecord(batch)) throw new ValidationError('batch', 'give false, or an object with path and maxOperations')
  const { path, maxOperations } = { ...HTTP_DEFAULTS.batch, ...batch }
  return { path: checkPath('batch.path', path), maxOperations: whole('batch.maxOperations', maxOperations, 10_000) }
}

function checkRoutes(routes: Readonly<Record<string, EntityRoutes>>): ReadonlyMap<string, EntitySettings> {
  if (!isRecord(routes)) throw new ValidationError('routes', 'give an object with an entry for each entity')
  return new Map(Object.entries(routes).map(([entity, given]) => [entity, checkEntity(`routes.${entity}`, given)]))
}

function checkEntity(where: string, given: EntityRoutes): EntitySettings {
  if (!isRecord(given)) throw new ValidationError(where, 'give an object with a path, or functions by type of operation')
  const routes = new Map<string, RouteFunction>()
  for (const [type, route] of Object.entries(given)) {
    if (type === 'path' || route === undefined) continue
    if (typeof route !== 'function')
      throw new ValidationError(`${where}.${type}`, 'must be a function from an operation to a route')
    routes.set(type, route)
  }
  return { path: given.path === undefined ? undefined : checkCollectionPath(`${where}.path`, given.path), routes }
}

function checkCollectionPath(where: string, path: unknown): string {
  const checked = checkPath(where, path)
  if (/\?|\/$/.test(checked)) throw new ValidationError(where, 'must have no query and no slash at the end')
  return checked
}
