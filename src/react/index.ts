export { SyncProvider, useSyncEngine, type SyncProviderProps } from './provider.ts'
export { useEntities, useEntity, type SeenEntities, type SeenEntity } from './entities.ts'
export {
  useConflicts,
  useDeadLetters,
  useEngineState,
  useOperations,
  useProgress,
  useRealtime,
  useSyncStatus,
  type SyncStatus,
} from './status.ts'
