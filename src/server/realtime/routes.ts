import { Hono } from 'hono'
import { jsonAnswer } from '../answer.ts'
import { authenticate } from '../authenticate.ts'
import type { Connection } from '../fault-gate.ts'
import { Refusal } from '../problems.ts'
import { toResponse } from '../response.ts'
import { admit, checkOrigin, type Admission } from './admission.ts'
import { eventStream } from './events.ts'

/** What of `/realtime` is plain HTTP. */
export function realtimeRoutes(parts: Admission): Hono<{ Bindings: Connection }> {
  const { hub, tickets, settings, options } = parts
  const app = new Hono<{ Bindings: Connection }>()

  app.post('/ticket', ({ req }) => {
    checkOrigin(req.header('origin'), options.corsOrigins)
    const ticket = tickets.issue(authenticate(req.header('authorization'), options.auth))
    const answer = jsonAnswer(200, JSON.stringify({ ticket, expiresInMs: settings.realtime.ticketTtlMs }))
    return toResponse({ ...answer, headers: { ...answer.headers, 'cache-control': 'no-store' } })
  })

  app.get('/events', ({ req }) => {
    // The body of an answer to HEAD is thrown away, so it would never end.
    if (req.method !== 'GET') throw new Refusal('method-not-allowed', 'Use GET.', { allow: 'GET' })
    const query = new URL(req.url).searchParams
    const candidate = { origin: req.header('origin'), authorization: req.header('authorization'), ticket: query.get('ticket') }
    const session = admit(parts, candidate)
    const wants = readEntities(query, settings.entityAllowed)
    if (hub.isFull()) {
      const seconds = Math.ceil(settings.realtime.restartAfterMs / 1000)
      throw new Refusal('unavailable', 'Too many lines are open.', { 'retry-after': String(seconds) })
    }
    return eventStream(session, wants, hub, settings)
  })

  app.get('/', () => {
    throw new Refusal('upgrade-required', 'Open a WebSocket here, or read /realtime/events.', {
      upgrade: 'websocket',
      connection: 'upgrade',
    })
  })
  return app
}

/** @throws Refusal 400 or 404. */
function readEntities(query: URLSearchParams, entityAllowed: (name: string) => boolean): (entity: string) => boolean {
  for (const name of query.keys()) {
    if (name !== 'ticket' && name !== 'entities')
      throw new Refusal('invalid-parameter', `Use ticket and entities, not ${JSON.stringify(name.slice(0, 64))}.`)
  }
  const list = query.get('entities')
  if (list === null) return () => true
  const entities = new Set(list === '' ? [] : list.split(','))
  if (![...entities].every(entityAllowed)) throw new Refusal('unknown-entity', 'This server has no such entity.')
  return (entity) => entities.has(entity)
}
