import type { JsonObject } from '../../core/json.ts'
import { isObject } from '../../core/own.ts'
import type { Effect, KeptAnswer, Resource, Retired, Served, ServerState } from './server-state.ts'
import { found, problem } from './answers.ts'
import { createChangeLog, type ChangeLog } from './change-log.ts'
import { digestsAt } from './digests.ts'
import { patched } from './patched.ts'
import { hasItsValue, type IsInPart } from './places.ts'
import {
  entityIn,
  fingerprintOf,
  keyIn,
  keyOf,
  parsed,
  isAtomicBatch,
  resultOf,
  textOf,
  writesIn,
  type ServerRequest,
  type ServerResponse,
} from './messages.ts'

export type { Effect, Resource, Retired, Served, ServerState } from './server-state.ts'

/** The wire contract of docs/wire-protocol.md, as plainly as it can be said: the oracle that engines are judged by. */
export interface ModelServer {
  handle(request: ServerRequest): Served
  /** Every effect, in order. */
  readonly ledger: readonly Effect[]
  /** Those that an older backup took back. */
  readonly undone: ReadonlySet<Effect>
  /** What it has at a path. */
  valueAt(path: string): JsonObject | undefined
  /** The version of everything that it has or had, by path. */
  versions(): ReadonlyMap<string, number>
  readonly changes: ChangeLog
  /** Those that exist. */
  all(): ReadonlyMap<string, JsonObject>
  /** A bearer token for a user. All earlier ones stay good until they are revoked. */
  issueToken(user: string): string
  revokeTokens(): void
  /** What every answer asks of clients: headers, by their names in lower case. */
  wishes: Readonly<Record<string, string>>
  /** Whether users can log in, and so renew their tokens. */
  logIn: boolean
  backUp(): ServerState
  restore(state: ServerState): void
  /** Of what is kept, this share of the oldest. */
  forgetAnswers(share: number): void
  /** From now on it refuses what it took before. What was applied stays, and is answered again as it was. */
  retire(retired: Retired): void
  /** What stands in its place as long as it is down: somebody who answers so, or nobody. */
  outage: ServerResponse | 'silent' | undefined
  /** Refuses a write before it is looked at, and answers it so from now on; what is kept already stays. Gives what it is answered. */
  keepAnswer(request: ServerRequest, response: ServerResponse): ServerResponse
}

/** A field that no resource may have: what is poisoned for good. */
export const POISON = 'poison'

export interface ModelServerOptions {
  /** Whose requests those without credentials are; absent: they are refused. */
  readonly anonymous?: string
  readonly isInPart?: IsInPart
  /** The id of what is created with this version, whatever the body has; undefined where the body says it. */
  readonly assignedId?: (entity: string, version: number) => string | undefined
  /** Pages name what was changed a second time: as it was before. */
  readonly tellsTwice?: boolean
}

export function createModelServer({
  anonymous,
  isInPart = hasItsValue,
  assignedId,
  tellsTwice = false,
}: ModelServerOptions = {}): ModelServer {
  const resources = new Map<string, Resource>()
  const answers = new Map<string, KeptAnswer>()
  const tokens = new Map<string, string>()
  const ledger: Effect[] = []
  const undone = new Set<Effect>()
  const retired: Retired[] = []
  let head = 0
  let issued = 0
  const changes = createChangeLog({ resources, ledger, undone, head: () => head }, isInPart, tellsTwice)

  function userOf({ headers }: ServerRequest): string | undefined {
    if (headers['Authorization'] === undefined) return anonymous
    return tokens.get(/^Bearer (.+)$/.exec(headers['Authorization'] ?? '')?.[1] ?? '')
  }

  function handle(request: ServerRequest): Served {
    const before = ledger.length
    const user = userOf(request)
    if (user === undefined) return { response: problem('unauthorized'), effects: [], replayed: false }
    let replayed = false
    const write = (one: ServerRequest): ServerResponse => {
      const answer = writeOnce(user, one)
      replayed ||= answer.replayed
      return answer.response
    }
    if (request.method === 'GET') return { effects: [], replayed: false, ...read(user, request) }
    const response = request.path === '/batch' ? batch(user, request, write) : write(request)
    return { response, effects: ledger.slice(before), replayed }
  }

  function read(user: string, request: ServerRequest): Pick<Served, 'response' | 'asOf'> {
    const { path } = request
    const digests = digestsAt(path, changes.placesOf)
    if (digests !== undefined) return { response: digests }
    if (path.includes('?')) return changes.page(user, request)
    const { value, version } = resources.get(path) ?? {}
    return { response: value === undefined || version === undefined ? problem('not-found') : found(200, path, value, version) }
  }

  function batch(user: string, request: ServerRequest, write: (one: ServerRequest) => ServerResponse): ServerResponse {
    const writes = writesIn(request)
    const results = (isAtomicBatch(request) ? allOrNothing(user, writes, write) : writes.map(write)).map(resultOf)
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ results }) }
  }

  /** What was applied before one was refused is taken back; a refusal that is kept for that one is kept for all. */
  function allOrNothing(
    user: string,
    writes: readonly ServerRequest[],
    write: (one: ServerRequest) => ServerResponse,
  ): readonly ServerResponse[] {
    const known = writes.flatMap((one) => keptFor(user, one) ?? [])
    if (known.length === writes.length) return known
    const before = { resources: new Map(resources), answers: new Map(answers), effects: ledger.length, head }
    const done: ServerResponse[] = []
    for (const one of writes) {
      const response = write(one)
      if (response.status < 400) {
        done.push(response)
        continue
      }
      const isKept = keptFor(user, one) === response
      replace(resources, before.resources)
      replace(answers, before.answers)
      ledger.length = before.effects
      head = before.head
      const refusals = writes.map((_, at) => (at === done.length ? response : problem('batch-aborted')))
      if (isKept) for (const [at, refused] of refusals.entries()) keep(user, writes[at] ?? one, refused)
      return refusals
    }
    return done
  }

  function keptFor(user: string, request: ServerRequest): ServerResponse | undefined {
    const known = answers.get(keyIn(user, request))
    return known?.fingerprint === fingerprintOf(request) ? known.response : undefined
  }

  function keep(user: string, request: ServerRequest, response: ServerResponse): ServerResponse {
    const key = keyIn(user, request)
    const known = answers.get(key)
    if (known === undefined) answers.set(key, { fingerprint: fingerprintOf(request), response })
    return known?.response ?? response
  }

  function writeOnce(user: string, request: ServerRequest): { response: ServerResponse; replayed: boolean } {
    const key = keyOf(request)
    if (key === undefined) return { response: problem('idempotency-key-missing'), replayed: false }
    const body = request.body === null ? {} : parsed(request.body)
    if (!isObject(body) || POISON in body) return { response: problem('invalid-body'), replayed: false }
    const fingerprint = fingerprintOf(request)
    const kept = answers.get(keyIn(user, request))
    if (kept !== undefined)
      return kept.fingerprint === fingerprint
        ? { response: kept.response, replayed: true }
        : { response: problem('idempotency-key-reused'), replayed: false }
    const refused = retired.find(({ field, entity }) => (field !== undefined && field in body) || entity === entityIn(request))
    const response = refused === undefined ? apply(user, key, request, body) : problem('invalid-body', refused.status)
    answers.set(keyIn(user, request), { fingerprint, response })
    return { response, replayed: false }
  }

  function apply(user: string, key: string, request: ServerRequest, body: JsonObject): ServerResponse {
    const { method, path, headers } = request
    const newId = assignedId?.(path.slice(1), head + 1) ?? textOf(body['id'])
    const at = method === 'POST' ? `${path}/${encodeURIComponent(newId)}` : path
    const [, entity = '', id = '', ...more] = at.split('/')
    if (id === '' || more.length > 0) return problem('not-found')
    const current = resources.get(at)
    const exists = current?.value !== undefined
    if (method === 'POST' && exists) return problem('already-exists')
    if (method === 'DELETE' && !exists) return problem('not-found')
    if (headers['If-Match'] !== undefined && (!exists || headers['If-Match'] !== `"${current?.version}"`))
      return problem('precondition-failed')
    if (method === 'PATCH' && !exists) return problem('not-found')
    const { id: _id, version: _version, ...given } = body
    const value = method === 'DELETE' ? undefined : method === 'PATCH' ? patched(current?.value, given) : given
    head += 1
    resources.set(at, { version: head, value })
    const { 'Synchart-Client': client = '', 'Synchart-Sequence': sequence = '' } = headers
    const [made, before] = [{ user, client, sequence: Number(sequence), key, method, version: head }, current?.value]
    ledger.push({ ...made, entity, id: decodeURIComponent(id), before, after: value })
    return value === undefined ? { status: 204, headers: {}, body: '' } : found(exists ? 200 : 201, at, value, head)
  }

  const server: ModelServer = {
    handle,
    ledger,
    undone,
    versions: () => new Map([...resources].map(([path, { version }]) => [path, version])),
    changes,
    valueAt: (path) => resources.get(path)?.value,
    all: () => new Map([...resources].flatMap(([path, { value }]) => (value === undefined ? [] : [[path, value] as const]))),
    issueToken(user) {
      // Of such letters as a header may hold, whatever the user is called.
      const token = `${encodeURIComponent(user)}-${++issued}`
      tokens.set(token, user)
      return token
    },
    revokeTokens: () => tokens.clear(),
    wishes: {},
    logIn: true,
    backUp() {
      const effects = new Set(ledger.filter((effect) => !undone.has(effect)))
      return { resources: new Map(resources), answers: new Map(answers), effects }
    },
    restore(state) {
      undone.clear()
      for (const effect of ledger) if (!state.effects.has(effect)) undone.add(effect)
      changes.expire(true)
      replace(resources, state.resources)
      replace(answers, state.answers)
    },
    forgetAnswers(share) {
      for (const key of [...answers.keys()].slice(0, Math.ceil(share * answers.size))) answers.delete(key)
    },
    retire: (what) => void retired.push(what),
    outage: undefined,
    keepAnswer(request, response) {
      const user = userOf(request)
      return user === undefined || keyOf(request) === undefined ? problem('unauthorized') : keep(user, request, response)
    },
  }
  return server
}

function replace<T>(target: Map<string, T>, source: ReadonlyMap<string, T>): void {
  target.clear()
  for (const [key, value] of source) target.set(key, value)
}
