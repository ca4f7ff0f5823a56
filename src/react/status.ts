import { useMemo } from 'react'
import type { ConflictInfo } from '../engine/conflicts.ts'
import type { RealtimeState, SyncProgress } from '../engine/read-types.ts'
import type { EngineState, OperationInfo } from '../engine/types.ts'
import { useCurrent, useStream } from './provider.ts'

/** What a status indicator shows. */
export interface SyncStatus {
  readonly phase: EngineState['phase']
  readonly isOnline: boolean
  /** Why nothing is sent: `network`, `auth`, and the reasons of the application. */
  readonly pauses: readonly string[]
  /** Operations that have not ended, in all tabs. */
  readonly pending: number
  /** Of these, the conflicts that wait for a person; 1,000 stands for all that are more. */
  readonly conflicts: number
  /** Operations that were refused for good and not seen to. */
  readonly deadLetters: number
  readonly error: unknown
}

const STOPPED: EngineState = { phase: 'stopped', pauses: [], error: undefined }
const IDLE: SyncProgress = { phase: 'idle', done: 0 }
const OFF: RealtimeState = { phase: 'off', latencyMs: undefined, missedBeats: 0 }
const NONE: readonly never[] = []

/** Where the engine of this tab is. */
export function useEngineState(): EngineState {
  return useCurrent(STOPPED, (engine) => engine.state$)
}

export function useSyncStatus(): SyncStatus {
  const { phase, pauses, error } = useEngineState()
  const pending = useStream(0, (engine) => engine.operations.watchCount('live'))
  const deadLetters = useStream(0, (engine) => engine.operations.watchCount('rejected'))
  const conflicts = useConflicts().length
  return useMemo(
    () => ({ phase, pauses, error, isOnline: !pauses.includes('network'), pending, conflicts, deadLetters }),
    [phase, pauses, error, pending, conflicts, deadLetters],
  )
}

/** How far a synchronisation by this tab is. */
export function useProgress(): SyncProgress {
  return useCurrent(IDLE, (engine) => engine.progress$)
}

export function useRealtime(): RealtimeState {
  return useCurrent(OFF, (engine) => engine.realtime$)
}

/** Those that wait for a person, the newest first; decide with `engine.conflicts.resolve`. At most 1,000. */
export function useConflicts(): readonly ConflictInfo[] {
  return useStream<readonly ConflictInfo[]>(NONE, (engine) => engine.conflicts.watch())
}

/** Operations that were refused for good; see to them with `engine.operations.retry`, `edit` and `discard`. At most 100. */
export function useDeadLetters(): readonly OperationInfo[] {
  return useStream<readonly OperationInfo[]>(NONE, (engine) => engine.operations.watch({ status: 'rejected' }))
}

/** Operations that have not ended, in their order. At most 100. */
export function useOperations(): readonly OperationInfo[] {
  return useStream<readonly OperationInfo[]>(NONE, (engine) => engine.operations.watch())
}
