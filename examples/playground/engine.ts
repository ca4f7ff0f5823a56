import { createSyncEngine, type SyncEngine } from 'synchart'
import { webSocketChannel } from 'synchart/realtime/websocket'
import { browserStorage } from 'synchart/storage/browser'
import { createSimulatedNetwork, type SimulatedNetwork } from 'synchart/testing'
import { switchableClock, type SwitchableClock } from './clock.ts'

export interface Device {
  readonly name: string
  readonly engine: SyncEngine
  /** The real network, with faults to order. An application of yours takes httpTransport({ baseURL }) instead. */
  readonly network: SimulatedNetwork
  readonly clock: SwitchableClock
}

/** All tabs of one device share its store; so one of them sends for all. */
export function createDevice(name: string, api: string): Device {
  const network = createSimulatedNetwork()
  const clock = switchableClock()
  const engine = createSyncEngine({
    storage: browserStorage({ name: `playground-${name}` }),
    transport: network.transport({ baseURL: api, timeoutMs: 5_000 }),
    entities: { task: { conflict: 'manual' } },
    user: name,
    pull: { everyMs: 5_000 },
    realtime: { channel: webSocketChannel({ url: `${api.replace('http', 'ws')}/realtime` }) },
    retry: { capMs: 5_000 },
    breaker: { cooldownMs: 5_000 },
    ports: { clock, connectivity: network.connectivity },
    recorder: {},
  })
  return { name, engine, network, clock }
}
