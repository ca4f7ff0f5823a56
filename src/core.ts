import { systemPorts } from './adapters/system.ts'
import { engineFactory, type SyncEngineLogic } from './engine/engine-factory.ts'
import type { Parts } from './engine/parts.ts'
import type { EngineOptions } from './engine/runtime.ts'
import type { SyncEngine } from './engine/types.ts'

export interface CoreOptions extends EngineOptions {
  /** What the engine can do besides, each by its name: `parts: { audit, check }`. Default: nothing. */
  readonly parts?: Partial<Parts> | undefined
}

/**
 * The engine of `synchart` with those parts alone that it is given, for applications that count their bytes. A function of a part that is
 * not there fails with `no-part`, an option of it with `ValidationError`. Engines on one store have the same parts.
 */
export function createSyncEngine({ parts = {}, ...options }: CoreOptions): SyncEngine {
  return engineFactory(systemPorts, parts).createSyncEngine(options)
}

/** The same as XState actor logic, to spawn or invoke. */
export function createSyncEngineLogic({ parts = {}, ...options }: CoreOptions): SyncEngineLogic {
  return engineFactory(systemPorts, parts).createSyncEngineLogic(options)
}

export { alerts, audit, check, explain, logger, logOut, pull, realtime, recorder, statistics, view } from './engine/all-parts.ts'
export type { Parts } from './engine/parts.ts'
