import { Hono } from 'hono'
import type { Context, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { jsonAnswer } from './answer.ts'
import { authenticate } from './authenticate.ts'
import { batchBody, executeBatch, readBatch } from './batch.ts'
import { checkMediaType, parseJson } from './body.ts'
import { readConditions } from './conditions.ts'
import type { HeaderLookup } from './conditions.ts'
import { digest, isDigestQuery } from './digest.ts'
import type { Connection, FaultGate } from './fault-gate.ts'
import type { FaultTarget } from './faults.ts'
import type { Settings } from './options.ts'
import { problemAnswer, Refusal } from './problems.ts'
import { get, pull } from './pull.ts'
import { readBody } from './read-body.ts'
import { realtimeRoutes } from './realtime/routes.ts'
import type { Admission } from './realtime/admission.ts'
import { toResponse } from './response.ts'
import type { Store } from './store.ts'
import { executeWrite } from './write.ts'
import { readPath, readWrite } from './write-request.ts'
import { WISH_HEADERS, type Wishes } from './wishes.ts'
import type { WriteRequest } from './write-request.ts'

type App = Hono<{ Bindings: Connection }>
type RequestContext = Context<{ Bindings: Connection }>

export interface AppParts extends Admission {
  readonly store: Store
  readonly gate: FaultGate
  readonly wishes: Wishes
  /** Called before each write: forgets old answers when it is time. */
  readonly sweep: () => void
}

const reading: FaultTarget = { write: false, mayFailPrecondition: false }
const writing: FaultTarget = { write: true, mayFailPrecondition: false }

/** The routes of the wire contract (docs/wire-protocol.md). */
export function createApp(parts: AppParts): App {
  const { options } = parts
  const onError = options.onError ?? ignore
  const app: App = new Hono<{ Bindings: Connection }>()
  if (options.corsOrigins !== undefined) app.use(allowOrigins(options.corsOrigins))
  app.use(askingFor(parts.wishes))
  if (options.inspect === true) addInspection(app, parts)
  app.route('/realtime', realtimeRoutes(parts))
  app.post('/batch', (context) => batch(context, parts, onError))
  app.get('*', (context) => read(context, parts))
  app.all('*', (context) => write(context, parts))
  app.onError((error) => {
    if (error instanceof Refusal) return toResponse(error.answer)
    onError(error)
    return toResponse(problemAnswer('internal', 'Nothing was applied. Try again with the same key.'))
  })
  return app
}

function read(context: RequestContext, { store, settings, gate, options }: AppParts): Response | Promise<Response> {
  authenticate(context.req.header('authorization'), options.auth)
  const { entity, id } = readPath(rawPath(context), settings.entityAllowed)
  const conditions = readConditions(headersOf(context))
  const query = new URL(context.req.url).searchParams
  return gate.pass(
    context.env,
    () => reading,
    () => {
      if (isDigestQuery(id, query)) return digest(store, entity, query)
      return id === undefined ? pull(store, settings, entity, query, conditions) : get(store, entity, id, conditions)
    },
  )
}

async function write(context: RequestContext, { store, settings, gate, sweep, options }: AppParts): Promise<Response> {
  const { user } = authenticate(context.req.header('authorization'), options.auth)
  const { method } = context.req
  const text = method === 'DELETE' ? '' : await readBody(context.req, settings.bodyLimitBytes)
  const raw = { user, method, path: rawPath(context), header: headersOf(context), body: () => parseJson(text) }
  const request = readWrite(raw, settings)
  sweep()
  return gate.pass(
    context.env,
    () => ({ write: true, mayFailPrecondition: isFreshCondition(store, settings, request) }),
    () => store.transaction(() => executeWrite(store, settings, request)),
  )
}

function isFreshCondition(store: Store, settings: Settings, { user, key, conditions }: WriteRequest): boolean {
  if (conditions.ifMatch === undefined && conditions.ifNoneMatch === undefined) return false
  return store.answer(user, key, settings.now() - settings.idempotencyTtlMs) === undefined
}

async function batch(
  context: RequestContext,
  { store, settings, gate, sweep, options }: AppParts,
  onError: (error: unknown) => void,
): Promise<Response> {
  const { user } = authenticate(context.req.header('authorization'), options.auth)
  const header = headersOf(context)
  checkMediaType('POST', header('content-type'))
  const body = parseJson(await readBody(context.req, settings.bodyLimitBytes))
  const items = readBatch(body, user, header, settings)
  sweep()
  return gate.pass(
    context.env,
    () => writing,
    () => jsonAnswer(200, batchBody(executeBatch(store, settings, items, onError))),
  )
}

function headersOf(context: RequestContext): HeaderLookup {
  return (name) => context.req.header(name)
}

/** The path as it was sent, with its query: Hono's own has some escapes undone already. */
function rawPath(context: RequestContext): string {
  const { url } = context.req
  return url.slice(url.indexOf('/', url.indexOf('://') + 3))
}

function addInspection(app: App, { store, settings }: AppParts): void {
  app.get('/_ledger', () => toResponse(jsonAnswer(200, JSON.stringify({ entries: store.ledger() }))))
  app.get('/_state/:entity', (context) => {
    const entity = context.req.param('entity')
    if (!settings.entityAllowed(entity)) throw new Refusal('unknown-entity', 'This server has no such entity.')
    return toResponse(jsonAnswer(200, `{"resources":[${stateOf(store, entity).join(',')}]}`))
  })
}

/** The JSON texts of all resources of an entity, in the order of their newest changes. */
export function stateOf(store: Store, entity: string): readonly string[] {
  return store.changesAfter(entity, 0, -1).flatMap(({ body }) => (body === null ? [] : [body]))
}

function askingFor(wishes: Wishes): MiddlewareHandler<{ Bindings: Connection }> {
  return async (context, next) => {
    await next()
    for (const [name, value] of wishes.headers()) context.res.headers.set(name, value)
  }
}

function allowOrigins(origins: '*' | readonly string[]): ReturnType<typeof cors> {
  const exposeHeaders = ['ETag', 'Retry-After', 'Date', 'Idempotency-Replayed', ...WISH_HEADERS]
  return cors({
    origin: origins === '*' ? '*' : [...origins],
    allowMethods: ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'],
    exposeHeaders,
    maxAge: 600,
  })
}

function ignore(): void {}
