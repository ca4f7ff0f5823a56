import { createContext, createElement, useContext, useMemo, type ReactElement, type ReactNode } from 'react'
import type { Observable } from 'rxjs'
import { ValidationError } from '../core/errors.ts'
import { isRecord } from '../core/schema.ts'
import type { SyncEngine } from '../engine/types.ts'
import { currentOf, sourceOf, useSource } from './source.ts'

const EngineContext = createContext<SyncEngine | undefined>(undefined)

export interface SyncProviderProps {
  /** Made once, outside of components. Starting and stopping it is the application's. */
  readonly engine: SyncEngine
  readonly children?: ReactNode
}

/** Gives an engine to the hooks of all components within. @throws ValidationError if there is none yet. */
export function SyncProvider({ engine, children }: SyncProviderProps): ReactElement {
  if (!isRecord(engine))
    throw new ValidationError('engine', 'must be what createSyncEngine has made: render the provider once there is an engine.')
  return createElement(EngineContext.Provider, { value: engine }, children)
}

/** The engine of the provider. @throws ValidationError outside of one. */
export function useSyncEngine(): SyncEngine {
  const engine = useContext(EngineContext)
  if (engine === undefined)
    throw new ValidationError('engine', 'is missing: render this component within <SyncProvider engine={engine}>.')
  return engine
}

/** The last value of one of the engine's streams; another key is another stream. */
export function useStream<T>(initial: T, streamOf: (engine: SyncEngine) => Observable<T>, key = ''): T {
  const engine = useSyncEngine()
  // What the stream is made of is in the key.
  const source = useMemo(() => sourceOf(streamOf(engine), initial), [engine, key])
  return useSource(source, initial)
}

/** The same of a stream that tells at once what stands: it is that from the first render on. */
export function useCurrent<T>(onServer: T, streamOf: (engine: SyncEngine) => Observable<T>): T {
  const engine = useSyncEngine()
  const source = useMemo(() => {
    const stream = streamOf(engine)
    return sourceOf(stream, currentOf(stream, onServer))
  }, [engine])
  return useSource(source, onServer)
}
