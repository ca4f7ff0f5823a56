import { fromCallback, fromPromise, type InspectionEvent } from 'xstate'
import type { BreakerActor } from '../../machines/breaker.ts'
import { connectivityMachine } from '../../machines/connectivity.ts'
import { engineMachine, type DrainCommand, type EngineActor, type EngineInput } from '../../machines/engine.ts'
import { ValidationError } from '../core/errors.ts'
import { isTerminal, type ConflictRecord, type OperationRow } from '../core/operation.ts'
import { settingsOf, type SyncEngineOptions } from '../core/options.ts'
import type { SystemPorts } from '../core/ports.ts'
import { ENTITIES, META, OPERATIONS, STORE_SCHEMA, isRecord } from '../core/schema.ts'
import { createAlerts } from './alerts.ts'
import { announce } from './announce.ts'
import { createBreakerSigns } from './breaker-signs.ts'
import { createBreakerWatch } from './breaker-watch.ts'
import { createDrains } from './drains.ts'
import { createEvents } from './events.ts'
import { createForgetting } from './forgetting.ts'
import { createHandles } from './handles.ts'
import { infoOf } from './info.ts'
import { createIntake } from './intake.ts'
import { leaseLock } from './lease.ts'
import { createMetrics } from './metrics.ts'
import { createOptimistic } from './optimistic.ts'
import { createQuarantine } from './quarantine.ts'
import { createReadPath } from './read-path.ts'
import { inspectedBy } from './recorder/inspected-by.ts'
import { createRecorder } from './recorder/recorder.ts'
import { createReplica } from './replica.ts'
import { createReachability } from './reachability.ts'
import { createStatistics } from './statistics.ts'
import { createStamps } from './stamps.ts'
import { createStoreLife } from './store-life.ts'
import { createStore } from './store.ts'
import { createTransactions } from './transactions.ts'
import { createViews } from './views.ts'
import { createWritePath } from './write-path.ts'

export interface EngineOptions extends SyncEngineOptions {
  /** XState's inspection of every actor of this engine. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined
}

const SETTLE_MS = 1_000
const PROBE_EVERY_MS = 30_000
const RESTART_MS = 1_000
const ALL: readonly string[] = Object.keys(STORE_SCHEMA.collections)

export type Runtime = ReturnType<typeof createRuntime>

/** Puts an engine's parts together, and provides its machine with what it invokes. */
export function createRuntime(options: EngineOptions, system: SystemPorts) {
  if (!isRecord(options)) throw new ValidationError('options', 'must be an object.')
  const { inspect: inspectToo, ...plain } = options
  if (inspectToo !== undefined && typeof inspectToo !== 'function') throw new ValidationError('inspect', 'must be a function.')
  const settings = settingsOf(plain)
  const ports: SystemPorts = { ...system, ...plain.ports }
  const { clock } = ports
  const owner = ports.newId()
  const events = createEvents(clock)
  const recorder = plain.recorder === undefined ? undefined : createRecorder(plain.recorder, clock, events.subscriberFailed)
  const inspect = inspectedBy(recorder, inspectToo)
  const storage = recorder?.storage(plain.storage) ?? plain.storage
  const transport = recorder?.transport(plain.transport) ?? plain.transport
  const store = createStore(storage, (writes, keys) => views.committed(writes, keys))
  const views = createViews(settings, store, clock, events)
  const optimistic = createOptimistic(events)
  const handles = createHandles(store, events, optimistic.ended)
  const breakerWatch = createBreakerWatch(breaker, settings.breaker, clock, events, () => dispatcher.turn())
  const failed = (error: unknown): void => events.emit({ type: 'storage:error', error })
  const statistics = createStatistics({ user: settings.user, owner }, clock, store, failed)
  const metrics = createMetrics({
    breaker: breakerWatch.read,
    lock: () => ({ owner: dispatcher.isOwner(), epoch: epoch() }),
  })
  const alerts = createAlerts(settings, clock, store, events, {
    isOwner: () => dispatcher.isOwner(),
    pauses: () => machine?.getSnapshot().context.pauses ?? [],
    breaker: breakerWatch.read,
    failed,
  })
  const drains = createDrains((summary) => events.emit({ type: 'drain:completed', summary }))
  const replica = createReplica(store, settings.user, clock, (entity) => settings.entities[entity]?.actions ?? {})
  const signs = createBreakerSigns(clock, breaker)
  const readPath = createReadPath(settings, ports, {
    transport,
    store,
    replica,
    signs,
    events,
    inspect,
    machine: () => machine,
    isOwner: () => dispatcher.isOwner(),
    epoch,
  })
  const stamps = createStamps(settings, ports)
  const transactions = createTransactions(settings, ports, store, stamps)
  const intake = createIntake(settings, ports, store, stamps, accepted)
  const lease = leaseLock(storage, clock, { owner, user: settings.user, holder: () => storeLife.holder() })
  const changeListeners = new Set<() => void>()
  let machine: EngineActor | undefined

  const storeLife = createStoreLife(storage, ports, events, {
    owner,
    readable: () => void countLive(),
    opened() {
      handles.lookAgain()
      views.opened()
      statistics.opened()
      alerts.opened()
    },
    async closing() {
      views.closed()
      alerts.closing()
      await statistics.closing()
      // Where that fails the store is not open, or the lease goes stale by itself.
      await lease.release().catch(() => {})
    },
    changed: storeChanged,
    platform: (online) => machine?.send({ type: online ? 'PLATFORM.ONLINE' : 'PLATFORM.OFFLINE' }),
  })
  const reachability = createReachability(ports.connectivity, () => machine)
  const dispatcher = createWritePath(settings, ports, {
    transport,
    store,
    replica,
    signs,
    stamps,
    transactions,
    reachability,
    events,
    optimistic,
    inspect,
    machine: () => machine,
    clientId: storeLife.clientId,
    requested() {
      metrics.requested()
      statistics.requested()
    },
    breaker,
    recorded,
    accepted,
    quarantined: createQuarantine(events),
    quiet,
  })

  const forgetting = createForgetting(store, settings.retention, {
    isOwner: dispatcher.isOwner,
    epoch,
    now: clock.now,
    inTurn: replica.inTurn,
    failed,
  })

  const logic = engineMachine.provide({
    actors: {
      open: fromPromise(storeLife.open),
      close: fromPromise(close),
      drain: fromCallback<DrainCommand>(({ receive, sendBack }) => {
        dispatcher.attach(sendBack)
        const unwatch = breakerWatch.start()
        receive((command) => {
          dispatcher.command(command)
          if (command.type === 'OWN') readPath.owned()
          if (command.type === 'DISOWN') readPath.disowned()
        })
        return () => {
          unwatch()
          dispatcher.command({ type: 'DISOWN' })
        }
      }),
      lock: lease.logic,
      pull: readPath.logic,
      connectivity: connectivityMachine.provide({
        guards: { isOnline: () => ports.connectivity.online() },
        actors: { probe: fromPromise<boolean>(({ signal }) => reachability.probe(signal)) },
      }),
    },
    actions: {
      reportFailure: (_, { part, error }) => events.emit({ type: 'engine:error', part, error }),
      reportLock: (_, { report }) => {
        if (report.type === 'LOCK.ACQUIRED') {
          events.emit({ type: 'lock:acquired', epoch: report.epoch, takeover: report.takeover })
          for (const listener of changeListeners) listener()
        }
        if (report.type === 'LOCK.LOST') events.emit({ type: 'lock:lost' })
        if (report.type === 'LOCK.FAILED') events.emit({ type: 'lock:failed', error: report.error })
      },
      reportNetwork: (_, { online }) => events.emit({ type: online ? 'network:online' : 'network:offline' }),
    },
  })

  const input: EngineInput = {
    lock: settings.lock,
    breaker: settings.breaker,
    online: ports.connectivity.online(),
    hasProbe: ports.connectivity.probe !== undefined,
    settleMs: SETTLE_MS,
    probeEveryMs: PROBE_EVERY_MS,
    authPauseMs: settings.authPauseMs,
    stopTimeoutMs: settings.stopTimeoutMs,
    restartMs: RESTART_MS,
    pulled: settings.pull.everyMs > 0 ? Object.keys(settings.entities) : [],
  }

  function breaker(): BreakerActor | undefined {
    return machine?.getSnapshot().children.breaker
  }

  function epoch(): number {
    return machine?.getSnapshot().context.epoch ?? 0
  }

  async function close(): Promise<void> {
    await storeLife.close()
    for (const listener of changeListeners) listener()
    readPath.closed()
  }

  /** What earlier engines left counts as live here too. */
  async function countLive(): Promise<void> {
    try {
      metrics.foundLive(await store.countLive(settings.user))
    } catch (error) {
      failed(error)
    }
  }

  /** Most commits of others are beats of the lease, or none of the lease at all. */
  function storeChanged(collections: readonly string[] = ALL): void {
    if (collections.includes(OPERATIONS) || collections.includes(ENTITIES)) views.storeChanged()
    if (collections.includes(META)) {
      machine?.send({ type: 'STORE.CHANGED' })
      readPath.storeChanged()
    }
    if (!collections.includes(OPERATIONS)) return
    dispatcher.changed()
    handles.lookAgain()
    for (const listener of changeListeners) listener()
  }

  function accepted(rows: readonly OperationRow[]): void {
    for (const row of rows) events.emit({ type: 'sync:queued', operation: infoOf(row) })
    dispatcher.enqueued(rows)
  }

  function recorded(row: OperationRow, conflict: ConflictRecord | undefined): void {
    drains.recorded(row)
    announce(events, row, conflict)
    for (const listener of changeListeners) listener()
    if (!isTerminal(row.status)) return
    handles.settle(row)
    forgetting.ended()
  }

  function quiet(): void {
    drains.quiet(machine?.getSnapshot().context.pauses ?? [])
    forgetting.quiet()
  }

  return {
    settings,
    ports,
    inspect,
    logger: plain.logger,
    recorder,
    store,
    stamps,
    transactions,
    events,
    optimistic,
    handles,
    views,
    readPath,
    metrics,
    statistics,
    alerts,
    drains,
    intake,
    accepted,
    dispatcher,
    logic,
    input,
    /** Calls the listener when another handle wrote the store, or this one as the owner. Returns the function that ends it. */
    onChange(listener: () => void): () => void {
      changeListeners.add(listener)
      return () => void changeListeners.delete(listener)
    },
    /** The actor that runs the engine's machine. */
    attach(actor: EngineActor): void {
      machine = actor
    },
  }
}
