import type { EngineActor } from '../../machines/engine.ts'
import type { Settings } from '../core/options.ts'
import type { SystemPorts, Transport } from '../core/ports.ts'
import { createAnswerChecks } from './answer-checks.ts'
import type { BreakerSigns } from './breaker-signs.ts'
import { createChooser } from './chooser.ts'
import type { DispatcherHooks } from './dispatcher-hooks.ts'
import { createDispatcher } from './dispatcher.ts'
import { createEffects } from './effects.ts'
import type { Events } from './events.ts'
import { infoOf } from './info.ts'
import type { MetricsCounter } from './metrics.ts'
import type { createOptimistic } from './optimistic.ts'
import type { Reachability } from './reachability.ts'
import { createReconciler } from './reconciler.ts'
import { createRenamer } from './renamer.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Replica } from './replica.ts'
import { createSender } from './sender.ts'
import { createSlots } from './slots.ts'
import type { Stamps } from './stamps.ts'
import type { Store } from './store.ts'
import type { Inspect } from './tell-directly.ts'
import type { Transactions } from './transactions.ts'
import { createValidators } from './validators.ts'

export interface WritePathParts extends Pick<DispatcherHooks, 'breaker' | 'recorded' | 'accepted' | 'quarantined' | 'quiet'> {
  readonly transport: Transport
  readonly store: Store
  readonly replica: Replica
  readonly signs: BreakerSigns
  readonly stamps: Stamps
  readonly transactions: Transactions
  readonly reachability: Reachability
  readonly budget: RetryBudget
  readonly health: MetricsCounter
  readonly events: Events
  readonly optimistic: ReturnType<typeof createOptimistic>
  readonly inspect: Inspect | undefined
  machine(): EngineActor | undefined
  clientId(): string
  /** The most operations that the server takes in one request. */
  maxBatch(): number
  requested(): void
}

export type WritePath = ReturnType<typeof createWritePath>

/** What brings operations to the server: who chooses them, who plays them, and what their playing does. Gives the owner's loop. */
export function createWritePath(settings: Settings, ports: SystemPorts, parts: WritePathParts) {
  const { transport, store, replica, signs, stamps, reachability, events, optimistic, inspect, transactions } = parts
  const validators = createValidators(settings, ports.clock)
  const answers = createAnswerChecks(validators, events)
  const reconciler = createReconciler(
    settings,
    ports,
    transport,
    store,
    { signs, budget: parts.budget, stamps, transactions, validators, answers },
    inspect,
  )
  const sender = createSender(settings, ports, transport, {
    clientId: parts.clientId,
    signs,
    requested: parts.requested,
    reachability,
    wholeOf: transactions.wholeOf,
    answers,
    maxBatch: parts.maxBatch,
    budget: parts.budget,
    health: parts.health,
  })
  const effects = createEffects(settings, ports, {
    sender,
    reconciler,
    optimistic,
    events,
    dispatcher: () => dispatcher,
    authNeeded: () => parts.machine()?.send({ type: 'DRAIN.AUTH_NEEDED' }),
  })
  const slots = createSlots(settings, ports.clock, effects, inspect)
  const chooser = createChooser(settings, transport, store, transactions, {
    isPulled: replica.isPulled,
    isAtomic: sender.isAtomic,
    retryWaitMs: parts.budget.waitMs,
  })
  const hooks: DispatcherHooks = {
    breaker: parts.breaker,
    takeSlot: slots.take,
    shared: sender.shared,
    ridesAlong: sender.ridesAlong,
    abandon() {
      slots.stopAll()
      sender.abortAll()
      reconciler.abortAll()
    },
    started: (row) => events.emit({ type: 'sync:started', operation: infoOf(row) }),
    recorded: parts.recorded,
    accepted: parts.accepted,
    left: (row) => events.emit({ type: 'transaction:left', operation: infoOf(row) }),
    quarantined: parts.quarantined,
    failed: (error) => events.emit({ type: 'storage:error', error }),
    quiet: parts.quiet,
  }
  const dispatcher = createDispatcher(
    settings,
    ports,
    { store, replica, chooser, transactions, renamer: createRenamer(settings, store) },
    hooks,
  )
  return dispatcher
}
