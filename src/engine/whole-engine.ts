import type { SystemPorts } from '../core/ports.ts'
import * as parts from './all-parts.ts'
import { engineFactory, type EngineFactory } from './engine-factory.ts'

/** The engine with all parts. */
export function wholeEngine(system: SystemPorts): EngineFactory {
  return engineFactory(system, parts)
}
