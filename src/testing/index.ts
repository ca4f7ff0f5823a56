export { createSimulatedTime, type ActorClock, type RunOptions, type SimulatedTime, type SimulatedTimeOptions } from './time.ts'
export {
  createSimulatedNetwork,
  type NetworkEntry,
  type SimulatedNetwork,
  type SimulatedNetworkOptions,
} from './network/network.ts'
export type { LineEnd } from './network/lines.ts'
export type { ErrorFault, NetworkFault, NetworkFaultType } from './network/faults.ts'
export type { DrawnFaults, FaultScript, NetworkRequest, SpanMs } from './network/plan.ts'
export { createSimulatedServer, type ServerEffect, type SimulatedServer, type SimulatedServerOptions } from './server.ts'
export type { IncomingResponse, OutgoingRequest, Wire } from '../adapters/http/wire.ts'
export {
  actionTexts,
  coverageTable,
  deadEnds,
  gaps,
  pathTitle,
  protocolBreaks,
  shortestPaths,
  simplePaths,
  testModel,
  type Coverage,
  type Edge,
  type EventChoices,
  type Exercised,
  type Model,
  type ModelOptions,
  type Observation,
  type OutputChoices,
  type Path,
  type Protocol,
  type SnapshotChoices,
  type Vertex,
  type Walk,
} from './model/index.ts'
