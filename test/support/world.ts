import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createSyncEngine,
  type EngineOptions,
  type Outcome,
  type PreparedRequest,
  type SendContext,
  type Storage,
  type SyncEngine,
  type Transport,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { memoryDisk, memoryStorage, type MemoryDisk } from '../../src/adapters/memory.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { createServer, type ServerOptions, type SynchartServer } from '../../src/server/index.ts'

export interface Attempt {
  readonly request: PreparedRequest
  readonly context: SendContext
}

/** Stands between engine and transport: sees every attempt, and may answer in its place or change the answer. */
export type Interception = (attempt: Attempt, send: () => Promise<Outcome>, count: number) => Promise<Outcome>

export interface World {
  readonly server: SynchartServer
  readonly url: string
  /** Of the SQLite store. */
  readonly path: string
  /** Of the memory store. */
  readonly disk: MemoryDisk
  /** Every attempt that left any engine of this world, in order. */
  readonly attempts: readonly Attempt[]
  /** Replaces how attempts fare from now on; undefined lets them through. */
  intercept(interception: Interception | undefined): void
  /** Another handle on the same store. */
  storage(): Storage
  /** An engine on the store, not started. All engines of a world share its store. */
  engine(options?: Partial<EngineOptions>): SyncEngine
  /** A started engine. */
  started(options?: Partial<EngineOptions>): Promise<SyncEngine>
  /** What the server has, by id. */
  notes(): Record<string, unknown>
  close(): Promise<void>
}

export interface WorldOptions {
  readonly store?: 'sqlite' | 'memory'
  readonly server?: ServerOptions
}

/** A real server on loopback, a real store, and engines that are quick to retry and to take over. */
export async function createWorld({ store = 'sqlite', server: serverOptions = {} }: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'synchart-'))
  const path = join(folder, 'store.db')
  const disk: MemoryDisk = memoryDisk()
  const server = await createServer(serverOptions)
  const { url } = await server.listen()
  const attempts: Attempt[] = []
  const engines = new Set<SyncEngine>()
  let interception: Interception | undefined

  function storage(): Storage {
    return store === 'memory' ? memoryStorage({ disk }) : sqliteStorage({ path, watchMs: 20 })
  }

  function engine(options: Partial<EngineOptions> = {}): SyncEngine {
    const transport = observed(options.transport ?? httpTransport({ baseURL: url }))
    const made = createSyncEngine({
      storage: storage(),
      entities: { note: {} },
      retry: { strategy: 'constant', baseMs: 10 },
      breaker: { failureThreshold: 1_000 },
      lock: { heartbeatMs: 100, staleMs: 1_000, pollMs: 50 },
      ...options,
      transport,
    })
    engines.add(made)
    return made
  }

  function observed(transport: Transport): Transport {
    return {
      ...transport,
      async send(request, context) {
        attempts.push({ request, context })
        const send = (): Promise<Outcome> => transport.send(request, context)
        return interception === undefined ? send() : interception({ request, context }, send, attempts.length)
      },
    }
  }

  return {
    server,
    url,
    path,
    disk,
    attempts,
    intercept(next) {
      interception = next
    },
    storage,
    engine,
    async started(options) {
      const made = engine(options)
      await made.start()
      return made
    },
    notes() {
      const rows = server.state('note') as { id: string; version: string }[]
      return Object.fromEntries(rows.map(({ id, version: _version, ...value }) => [id, { id, ...value }]))
    },
    async close() {
      await Promise.all([...engines].map((made) => made.stop()))
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export { eventOf } from './events.ts'
