import type { EntityOptions } from '../../core/conflict.ts'
import { DEFAULTS, type SyncEngineOptions } from '../../core/options.ts'
import { FOLDERS } from './naming.ts'
import { resolverOf, type Asking, type ResolverMode } from './resolvers.ts'
import type { Choices } from './tape.ts'

/** What all engines of one world have in common, and what each device has of its own. */
export interface WorldSettings {
  readonly engine: Omit<SyncEngineOptions, 'storage' | 'transport' | 'ports' | 'user' | 'entities'>
  /** For notes; tasks merge. */
  readonly conflict: Strategy
  /** Who decides as that strategy does: the engine, or a function of the application. */
  readonly resolver: ResolverMode
  /** What becomes of a note's field `a`, whatever the strategy. */
  readonly ruleOfA: SideRule | undefined
  /** By the wall clock of each device after the first it is so much earlier than by that of the one before. */
  readonly skewMs: number
  readonly requestTimeoutMs: number
  readonly hasPresence: boolean
  readonly hasProbe: boolean
  /** The last device has no transactions, and so the portable tier. */
  readonly hasKeyValueStore: boolean
  /** Every tab shows its notes all the time. */
  readonly hasViews: boolean
  /** So many devices, from the first, have a realtime line. */
  readonly lineCount: number
  /** By device, from the first: the parts of the notes that its options name; undefined where it follows all. */
  readonly parts: readonly (readonly string[] | undefined)[]
  /** Whether what is enqueued together is a transaction, and whether the API has an atomic batch for it. */
  readonly transactions: 'none' | 'together' | 'oneByOne'
  /** By device, from the first: how the schema of its notes answers; empty where nobody has one. */
  readonly schemas: readonly SchemaMode[]
  /** The build from which on stores with transactions are encrypted, each newer one with a key of its own; undefined: none. */
  readonly encryptedFromBuild: number | undefined
  /** Whether each build of the application has a shape of its own of notes, and how well one of them migrates. */
  readonly shapes: 'none' | 'sound' | 'failing'
  /** Whether there are folders, whose ids the server assigns, and pages that name them. */
  readonly hasFolders: boolean
  /** Every engine records what happens in it. */
  readonly hasRecorder: boolean
  /** Pages name what was changed a second time: as it was before. */
  readonly tellsTwice: boolean
  /** While anything goes wrong, pages are of copies of the server that lag behind. */
  readonly hasCopies: boolean
}

export type SchemaMode = 'none' | 'at-once' | 'later'

export type Strategy = 'merge' | 'localWins' | 'remoteWins' | 'manual' | 'lastWriteWins'
export type SideRule = 'localWins' | 'remoteWins' | 'manual'

/** Where a note says when it was written, if the later write is to win. */
export const STAMP = 'hlc'

/** Drawn, so that every combination comes up; the plainest one stands first. */
export function drawSettings(choices: Choices): WorldSettings {
  const heartbeatMs = choices.pick([5_000, 2_000, 10_000])
  return {
    engine: {
      concurrency: choices.pick([6, 1, 2, 4]),
      batchSize: choices.pick([1, 1, 5, 20]),
      coalesce: choices.pick([true, false]),
      retry: {
        strategy: choices.pick(['exponential', 'constant', 'linear', 'decorrelated']),
        baseMs: choices.pick([200, 50, 1_000]),
        capMs: choices.pick([5_000, 2_000, 20_000]),
        maxAttempts: 1_000,
      },
      breaker: {
        failureThreshold: choices.pick([10, 3, 5]),
        windowMs: 20_000,
        cooldownMs: choices.pick([3_000, 10_000]),
        halfOpenProbes: choices.pick([1, 2]),
        probeTimeoutMs: 8_000,
      },
      lock: { heartbeatMs, staleMs: 4 * heartbeatMs, pollMs: heartbeatMs },
      sendTimeoutMs: choices.pick([15_000, 5_000]),
      authPauseMs: 5_000,
      stopTimeoutMs: 3_000,
      pull: { everyMs: choices.pick([20_000, 0, 5_000]), pageSize: choices.pick([500, 1, 3]) },
    },
    conflict: choices.pick(['merge', 'localWins', 'remoteWins', 'manual']),
    requestTimeoutMs: choices.pick([10_000, 4_000]),
    hasPresence: choices.pick([true, false]),
    hasProbe: choices.pick([false, true]),
    hasKeyValueStore: choices.pick([false, false, true]),
    hasViews: choices.pick([true, false]),
    lineCount: 0,
    resolver: 'none',
    ruleOfA: undefined,
    skewMs: 0,
    parts: [],
    transactions: 'none',
    schemas: [],
    encryptedFromBuild: undefined,
    shapes: 'none',
    hasFolders: false,
    hasRecorder: false,
    tellsTwice: false,
    hasCopies: false,
  }
}

/** What has ended is kept as long as by default, or hardly. To be drawn last: so it came later than everything else that is remembered by its seed. */
export function withRetention(settings: WorldSettings, choices: Choices): WorldSettings {
  const retention = choices.pick([DEFAULTS.retention, { ...DEFAULTS.retention, completedMs: 2_000, completedCount: 3 }])
  return { ...settings, engine: { ...settings.engine, retention } }
}

/** Whether there are realtime lines. Drawn after everything else, so that a world without them is as it was. Then everything is pulled by itself, too: a hint may be lost. */
export function withLines(settings: WorldSettings, choices: Choices): WorldSettings {
  const lineCount = choices.pick([0, 0, 1, 3])
  const heartbeatMs = choices.pick([5_000, 2_000])
  const maxAttempts = choices.pick([10, 3])
  if (lineCount === 0) return settings
  const { engine } = settings
  const retry = { strategy: 'exponential', baseMs: 500, capMs: 4_000, maxAttempts } as const
  const realtime = { heartbeatMs, connectTimeoutMs: 3_000, retry, fallbackMs: 10_000 }
  return { ...settings, lineCount, engine: { ...engine, realtime, pull: { ...engine.pull, everyMs: PULL_BESIDE_LINES_MS } } }
}

/** What else becomes of conflicts. Drawn after everything else. */
export function withConflicts(settings: WorldSettings, choices: Choices): WorldSettings {
  const isByTime = choices.pick([false, false, true])
  const ruleOfA = choices.pick([undefined, 'remoteWins', undefined, 'localWins', 'remoteWins', 'manual'])
  const skewMs = choices.pick([0, 40_000])
  const maxReconciliations = choices.pick([DEFAULTS.maxReconciliations, 1])
  const { engine } = settings
  return {
    ...settings,
    ruleOfA,
    ...(isByTime ? { conflict: 'lastWriteWins', skewMs } : {}),
    engine: { ...engine, maxReconciliations },
  }
}

/** The kinds of entities that there are. */
export function kindsOf({ hasFolders }: WorldSettings): readonly string[] {
  return hasFolders ? ['note', 'task', ...Object.keys(FOLDERS)] : ['note', 'task']
}

export function noteOptions(settings: WorldSettings, asking: Asking): EntityOptions {
  const { conflict, ruleOfA, resolver } = settings
  return {
    conflict: resolver === 'none' ? conflict : resolverOf(settings, asking),
    ...(ruleOfA === undefined ? {} : { fields: { a: ruleOfA } }),
    ...(conflict === 'lastWriteWins' ? { stamp: { field: STAMP, write: true } } : {}),
  }
}

const PULL_BESIDE_LINES_MS = 2_000
