import type { Wire } from '../adapters/http/wire.ts'
import { copyJson } from '../core/copy-json.ts'
import { ValidationError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { isObject } from '../core/own.ts'
import { checkJson } from '../core/validate-json.ts'
import { checkFields, checkFunction } from './check.ts'
import type { ServerRequest } from './world/messages.ts'
import { WatcherError } from './watcher-error.ts'
import { createModelServer, type Effect, type Served } from './world/model-server.ts'

export interface SimulatedServerOptions {
  /** Where it is, as the application's transport has it. Default `http://server.test`. */
  readonly baseURL?: string
  /** Entities whose ids the server makes, as `note-1`, whatever a create has. Default none. */
  readonly assignedIds?: readonly string[]
}

/** A write that changed something, once. */
export interface ServerEffect {
  readonly user: string
  readonly idempotencyKey: string
  readonly method: string
  readonly entity: string
  readonly id: string
  /** Counts all effects of the server: it is the resource's version, and its ETag. */
  readonly version: number
}

/**
 * A server in memory that keeps the wire contract: single and batch writes, idempotency keys, conditions, reading one resource, pulls of kinds and of parts (the scope
 * `project:1` is what has `1` in its field `project`), digests. Everybody sees everything. Nothing outlives the process.
 */
export interface SimulatedServer {
  /** As requests spell it: `http://server.test` for `HTTP://Server.test:80/`. */
  readonly baseURL: string
  /** For `createSimulatedNetwork({ wire })`. What isn't below `baseURL` gets 404. */
  readonly wire: Wire
  /**
   * Is told of every effect from now on, until the function that it gives is called. What it throws at a request changes nothing for its sender, but rejects `run` and
   * `runUntil`; in real time nobody catches it. @throws ValidationError for what is no function.
   */
  watch(listener: (effect: ServerEffect) => void): () => void
  /** From now on no cursor of a pull that it gave before is good (410), so that everything is pulled anew. */
  expireCursors(): void
  /** Every effect in order: a write that was answered again from what is kept under its key made none. */
  effects(): readonly ServerEffect[]
  /** A copy of a resource with its `id`, as a GET would give it; undefined if there is none. */
  get(entity: string, id: string): JsonObject | undefined
  /** All resources of an entity, with their `id`, the first created first. */
  list(entity: string): readonly JsonObject[]
  /** Another client writes, or deletes (undefined), a whole resource. Is an effect like others. @throws ValidationError if that is no JSON, or the server refuses it. */
  put(entity: string, id: string, value: JsonObject | undefined): void
  /** A bearer token, of visible ASCII characters. @throws ValidationError for what is no user's name. Requests without one are those of the user `anonymous`, a token that is unknown or revoked gets 401. */
  issueToken(user: string): string
  revokeTokens(): void
}

const ANONYMOUS = 'anonymous'
const LIMITS = { maxBytes: Infinity, maxDepth: 1_000 }

/** @throws ValidationError if `baseURL` is no URL of HTTP, or has a query. */
export function createSimulatedServer(options: SimulatedServerOptions = {}): SimulatedServer {
  checkFields('options', options, ['baseURL', 'assignedIds'])
  const { baseURL = 'http://server.test', assignedIds = [] } = options
  if (typeof baseURL !== 'string' || !URL.canParse(baseURL) || !/^https?:[^?#]+$/i.test(baseURL))
    throw new ValidationError('baseURL', 'give an absolute URL without a query, as http://server.test')
  if (!Array.isArray(assignedIds) || !assignedIds.every((name) => typeof name === 'string'))
    throw new ValidationError('assignedIds', 'give a list of names of entities.')
  const assigned = new Set(assignedIds)
  const base = new URL(baseURL).href.replace(/\/+$/, '')
  const model = createModelServer({
    anonymous: ANONYMOUS,
    assignedId: (entity, version) => (assigned.has(entity) ? `${entity}-${version}` : undefined),
  })
  const watchers = new Set<(effect: ServerEffect) => void>()
  let puts = 0

  /** Gives the answer, and what listeners have thrown: each is told of everything. */
  function handle(request: ServerRequest): Pick<Served, 'response'> & { readonly thrown: readonly Thrown[] } {
    const { response, effects } = model.handle(request)
    const thrown = effects.flatMap((effect) => [...watchers].flatMap((listener) => thrownBy(() => listener(effectOf(effect)))))
    return { response, thrown }
  }

  function get(entity: string, id: string): JsonObject | undefined {
    const value = model.valueAt(pathOf(entity, id))
    const copy = value === undefined ? undefined : copyJson(value)
    return isObject(copy) ? { id, ...copy } : undefined
  }

  function put(entity: string, id: string, value: JsonObject | undefined): void {
    const request: ServerRequest = {
      method: value === undefined ? 'DELETE' : 'PUT',
      path: pathOf(entity, id),
      headers: { 'Idempotency-Key': `"another-client-${++puts}"`, 'Synchart-Client': 'another-client' },
      body: value === undefined ? null : JSON.stringify(checkJson(value, 'value', LIMITS).json),
    }
    const { response, thrown } = handle(request)
    if (response.status >= 300)
      throw new ValidationError(`${entity}/${id}`, `can't be written by another client: the server answers ${response.status}.`)
    for (const { error } of thrown) throw error
  }

  return {
    baseURL: base,
    async wire({ url, method, headers, body }) {
      if (!url.startsWith(`${base}/`)) return { status: 404, headers: {}, data: '' }
      const { response, thrown } = handle({ method, path: url.slice(base.length), headers, body })
      const answer = { status: response.status, headers: response.headers, data: response.body }
      for (const { error } of thrown) throw new WatcherError(answer, error)
      return answer
    },
    watch(listener) {
      checkFunction('listener', listener)
      const own = (effect: ServerEffect): void => listener(effect)
      watchers.add(own)
      return () => void watchers.delete(own)
    },
    expireCursors: () => model.changes.expire(),
    effects: () => model.ledger.map(effectOf),
    get,
    list: (entity) =>
      [...model.all().keys()].flatMap((path) => {
        const [, name, id = ''] = path.split('/')
        const found = name === entity ? get(entity, decodeURIComponent(id)) : undefined
        return found === undefined ? [] : [found]
      }),
    put,
    issueToken(user) {
      checkName('user', user)
      return model.issueToken(user)
    },
    revokeTokens: model.revokeTokens,
  }
}

interface Thrown {
  readonly error: unknown
}

function thrownBy(call: () => void): readonly Thrown[] {
  try {
    call()
    return []
  } catch (error) {
    return [{ error }]
  }
}

function pathOf(entity: string, id: string): string {
  checkName('entity', entity)
  checkName('id', id)
  return `/${entity}/${encodeURIComponent(id)}`
}

/** Of what no URL can name there is nothing. */
function checkName(path: string, name: unknown): void {
  if (typeof name === 'string' && name !== '' && !/\p{Cs}/u.test(name)) return
  throw new ValidationError(path, 'must be a text that is not empty, without half surrogate pairs.')
}

function effectOf({ user, key, method, entity, id, version }: Effect): ServerEffect {
  return { user, idempotencyKey: key, method, entity, id, version }
}
