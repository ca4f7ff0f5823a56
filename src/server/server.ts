import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { NetworkError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { createApp, stateOf } from './app.ts'
import { storedObject } from './body.ts'
import { createFaultGate } from './fault-gate.ts'
import type { FaultKind, FaultOptions } from './faults.ts'
import { isCalled } from './hosts.ts'
import { resolveOptions } from './options.ts'
import { problemAnswer } from './problems.ts'
import { headCursor } from './pull.ts'
import { announcing } from './realtime/announce.ts'
import { createHub } from './realtime/hub.ts'
import { createPushFaults } from './realtime/push-faults.ts'
import { createTickets } from './realtime/tickets.ts'
import { serveSockets } from './realtime/upgrade.ts'
import type { ServerOptions } from './options.ts'
import { openStore } from './store.ts'
import { sweeper } from './sweep.ts'
import { createWishes, type WishOptions } from './wishes.ts'
import type { LedgerEntry } from './store.ts'

const LOOPBACK = '127.0.0.1'

export interface ListenOptions {
  /** Default 0: a free one. */
  readonly port?: number
  /** Default 127.0.0.1: this machine only. */
  readonly hostname?: string
}

export interface Listener {
  /** Without a slash at the end. */
  readonly url: string
  /** Stops listening. Requests in progress have a second to end. */
  close(): Promise<void>
}

export interface SynchartServer {
  /** Serves a request without a network. */
  fetch(request: Request): Promise<Response>
  /**
   * Serves over HTTP. The adapter (@hono/node-server) replaces the global Request and Response by lighter ones, which halves the cost of a request.
   * @throws NetworkError if the port can't be had.
   */
  listen(options?: ListenOptions): Promise<Listener>
  /** Every applied effect in order. */
  ledger(): readonly LedgerEntry[]
  /** Every resource of an entity as a GET would give it, in the order of their newest changes. */
  state(entity: string): readonly Json[]
  /** How many realtime lines are open. */
  lines(): number
  /** How often each kind of fault has happened. */
  faults(): Readonly<Record<FaultKind, number>>
  /** From now on these faults; undefined for none. */
  setFaults(options: FaultOptions | undefined): void
  /** From now on its answers ask for these; undefined for nothing. */
  setWishes(options: WishOptions | undefined): void
  /** Stops listening and closes the database. May be called again. */
  close(): Promise<void>
}

/**
 * The reference server of the wire contract, over SQLite.
 * @throws ValidationError for a wrong option, StorageUnavailableError or StorageNewerError for a database that can't be used.
 */
export async function createServer(options: ServerOptions = {}): Promise<SynchartServer> {
  const settings = resolveOptions(options)
  const gate = createFaultGate(options.faults, options.random)
  const wishes = createWishes(options.wishes)
  const pushFaults = createPushFaults(options.faults)
  const opened = await openStore(options.database ?? ':memory:')
  const cursorOf = (entity: string): string => headCursor(opened, entity)
  const onError = options.onError ?? (() => {})
  const hub = createHub({ ...settings.realtime, cursorOf, deliver: pushFaults.deliver, onError })
  const store = announcing(opened, hub.changed)
  const tickets = createTickets(settings.now, settings.realtime.ticketTtlMs)
  const admission = { hub, tickets, settings, options }
  const app = createApp({ ...admission, store, gate, wishes, sweep: sweeper(store, settings) })
  const listeners = new Set<Listener>()

  const listen = async (where: ListenOptions = {}): Promise<Listener> => {
    const answer = getRequestListener(app.fetch)
    const server = createHttpServer((request, response) => {
      if (options.auth !== undefined || isCalled(request.headers.host, where.hostname ?? LOOPBACK)) void answer(request, response)
      else misdirected(response)
    })
    const endSockets = serveSockets(server, admission)
    const url = await bind(server, where)
    let shutting: Promise<void> | undefined
    const end = (): Promise<void> => {
      endSockets()
      return shut(server).finally(() => void listeners.delete(listener))
    }
    const listener: Listener = { url, close: () => (shutting ??= end()) }
    listeners.add(listener)
    return listener
  }

  let closing: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    hub.close()
    await Promise.all([...listeners].map((listener) => listener.close()))
    store.close()
  }

  return {
    fetch: async (request) => app.fetch(request, {}),
    listen,
    ledger: store.ledger,
    state: (entity) => stateOf(store, entity).map(storedObject),
    lines: hub.size,
    faults: gate.counts,
    setFaults(next) {
      gate.set(next)
      pushFaults.set(next)
    },
    setWishes: wishes.set,
    close: () => (closing ??= closeAll()),
  }
}

/** `createServer` and `listen` in one: for the command line. Closing closes both. */
export async function startServer(
  options: ServerOptions & ListenOptions = {},
): Promise<SynchartServer & { readonly url: string }> {
  const server = await createServer(options)
  try {
    const { url } = await server.listen(options)
    return { ...server, url }
  } catch (error) {
    await server.close()
    throw error
  }
}

async function bind(server: Server, { port = 0, hostname = LOOPBACK }: ListenOptions): Promise<string> {
  const failed = (cause: unknown) =>
    new NetworkError(`Can't listen on ${hostname}:${port}. Choose another port.`, { code: 'listen', cause })
  try {
    server.listen(port, hostname)
    await once(server, 'listening')
  } catch (cause) {
    throw failed(cause)
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw failed(address)
  return `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${address.port}`
}

function misdirected(response: ServerResponse): void {
  const { status, headers, body } = problemAnswer('misdirected', 'Call this server by its address, or as localhost.')
  response.writeHead(status, headers).end(body)
}

const graceMs = 1000

async function shut(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(cut)
}
