import { systemPorts } from './adapters/system.ts'
import { wholeEngine } from './engine/whole-engine.ts'

/**
 * `createSyncEngine(options)` makes an engine; `start()` it. Throws `ValidationError` for options out of range.
 * `createSyncEngineLogic(options)` gives the same engine as XState actor logic, to spawn or invoke.
 */
export const { createSyncEngine, createSyncEngineLogic } = wholeEngine(systemPorts)

export { syncEngineOf, type SyncEngineCommand, type SyncEngineLogic } from './engine/engine-factory.ts'
export type { AuditAction, AuditedConflict, AuditEntry } from './core/audit.ts'
export type { AuditedChange } from './core/audit-changes.ts'
export type { AuditLog } from './engine/audit-log.ts'
export type { AuditPage, AuditQuery } from './engine/audit-store.ts'
export type { ConflictDecision, ConflictInbox, ConflictInfo, ConflictQuery } from './engine/conflicts.ts'
export type { ConflictStatistics } from './core/conflict-statistics.ts'
export type { Counter, Counts, Statistics } from './core/statistics.ts'
export { mergeHistograms, percentile, type Histogram } from './core/histogram.ts'
export { formatMetrics } from './engine/format-metrics.ts'
export type { LoggedOut, LogOutOptions, PendingPolicy } from './engine/log-out.ts'
export type { Wiped } from './engine/wipe.ts'
export type { PeriodicInput, Schedule, ScheduleInput } from './engine/schedules.ts'
export type { StatisticsStore } from './engine/statistics.ts'
export type { CheckOptions, CheckResult, Problem, ProblemCode, Repaired } from './engine/integrity/types.ts'
export type { Accumulation, EntityInvariant, EntityInvariants, Invariant, Invariants, SeenEntity } from './core/invariants.ts'
export type { ScopeChoice } from './engine/scopes.ts'
export type { EngineOptions } from './engine/runtime.ts'
export type { RecorderOptions } from './core/recorder-options.ts'
export type { Recorder } from './engine/recorder/recorder.ts'
export type { TraceFields, TraceHeader, TraceLine, TraceValue } from './core/trace.ts'
export type {
  AlertName,
  DrainSummary,
  EngineState,
  EnqueueInput,
  Explanation,
  ListQuery,
  Metrics,
  Operation,
  OperationInfo,
  OptimisticHandlers,
  Reason,
  Settlement,
  SyncEngine,
  SyncEvent,
  EventsMatching,
  SyncEventType,
} from './engine/types.ts'
export type { Transaction, TransactionHandle } from './engine/transaction-types.ts'
export type {
  Entity,
  EntityChange,
  EntityView,
  PullProgress,
  PullSummary,
  RealtimeState,
  SyncProgress,
  SyncQuery,
  SyncResult,
} from './engine/read-types.ts'
export type { BackoffStrategy, RetryOptions } from './core/backoff.ts'
export type { Json, JsonObject } from './core/json.ts'
export type {
  ConflictRecord,
  ConflictResolution,
  FieldConflict,
  OperationStatus,
  Priority,
  StoredError,
} from './core/operation.ts'
export type {
  AlertOptions,
  AuditOptions,
  BreakerOptions,
  LimitOptions,
  LockOptions,
  RetentionOptions,
  SyncEngineOptions,
} from './core/options.ts'
export { DEFAULTS } from './core/options.ts'
export type * from './core/channel-port.ts'
export type { Logger, LogLevel } from './core/logger.ts'
export type * from './core/ports.ts'
export type {
  Conflict,
  ConflictResolver,
  ConflictStrategy,
  EntityOptions,
  FieldMerger,
  FieldRule,
  Resolution,
  Severity,
} from './core/conflict.ts'
export type { Migration, Migrations, PayloadOf } from './core/migrate.ts'
export type { SchemaAnswer, SchemaIssue, StandardSchema } from './core/standard-schema.ts'
export * from './core/errors.ts'
