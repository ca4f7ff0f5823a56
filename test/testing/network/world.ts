import { createSyncEngine, type EngineOptions, type SyncEngine } from '../../../src/index.ts'
import { memoryStorage } from '../../../src/adapters/memory.ts'
import {
  createSimulatedNetwork,
  createSimulatedServer,
  createSimulatedTime,
  type SimulatedNetwork,
  type SimulatedNetworkOptions,
  type SimulatedServer,
  type SimulatedTime,
} from '../../../src/testing/index.ts'

export interface SimulatedWorld {
  readonly time: SimulatedTime
  readonly server: SimulatedServer
  readonly network: SimulatedNetwork
  readonly engine: SyncEngine
}

/** As an application's test would put it together: an engine of the public API in virtual time, in front of the server in memory. */
export async function simulated(
  network: Omit<SimulatedNetworkOptions, 'time' | 'wire'> = {},
  options: Partial<EngineOptions> = {},
  of: (parts: Omit<SimulatedWorld, 'engine'>) => Partial<EngineOptions> = () => ({}),
): Promise<SimulatedWorld> {
  const time = createSimulatedTime({ seed: network.seed ?? 1 })
  const server = createSimulatedServer()
  const made = createSimulatedNetwork({ ...network, time, wire: server.wire })
  const engine = createSyncEngine({
    storage: memoryStorage(),
    transport: made.transport({ baseURL: server.baseURL, timeoutMs: 10_000 }),
    entities: { note: {} },
    ports: { ...time.ports, connectivity: made.connectivity },
    ...options,
    ...of({ time, server, network: made }),
  })
  await time.runUntil(engine.start())
  return { time, server, network: made, engine }
}

/** Enqueues a create, and tells how it ends and after how much time. */
export async function saved({ time, engine }: SimulatedWorld, id: string): Promise<{ status: string; tookMs: number }> {
  const begun = time.elapsedMs()
  const operation = await time.runUntil(engine.enqueue({ type: 'create', entity: 'note', id, payload: { title: id } }))
  const { status } = await time.runUntil(operation.settled)
  return { status, tookMs: time.elapsedMs() - begun }
}

/** What the log says of each request, in few words: `POST /note: request-lost ECONNRESET`. */
export function told({ network }: Pick<SimulatedWorld, 'network'>): readonly string[] {
  return network
    .log()
    .map(({ method, path, fault, answer }) => `${method} ${path}: ${fault?.type ?? 'as it is'} ${answer ?? 'nothing'}`)
}
