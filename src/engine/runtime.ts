import { fromCallback, fromPromise, type InspectionEvent } from 'xstate'
import type { BreakerActor } from '../../machines/breaker.ts'
import { connectivityMachine } from '../../machines/connectivity.ts'
import { engineMachine, type DrainCommand, type EngineActor, type EngineInput } from '../../machines/engine.ts'
import { pullMachine, type PageInput, type PageResult } from '../../machines/pull.ts'
import { SyncError, ValidationError } from '../core/errors.ts'
import { isTerminal, type OperationRow } from '../core/operation.ts'
import { settingsOf, type SyncEngineOptions } from '../core/options.ts'
import type { Storage, SystemPorts } from '../core/ports.ts'
import { ENTITIES, META, OPERATIONS, STORE_SCHEMA, isRecord } from '../core/schema.ts'
import { announce } from './announce.ts'
import { createBreakerSigns } from './breaker-signs.ts'
import { createBreakerWatch } from './breaker-watch.ts'
import { createChooser } from './chooser.ts'
import { createDispatcher } from './dispatcher.ts'
import { createDrains } from './drains.ts'
import { createEffects } from './effects.ts'
import { createEvents } from './events.ts'
import { every } from './every.ts'
import { createHandles } from './handles.ts'
import { infoOf } from './info.ts'
import { createIntake } from './intake.ts'
import { leaseLock } from './lease.ts'
import { forgetEnded, forgetTombstones } from './maintenance.ts'
import { createMetrics } from './metrics.ts'
import { createOptimistic } from './optimistic.ts'
import { createProgress } from './progress.ts'
import { createPullRequests } from './pull-requests.ts'
import { createPuller } from './puller.ts'
import { createReplica } from './replica.ts'
import { createReconciler } from './reconciler.ts'
import { createSender } from './sender.ts'
import { createSlots } from './slots.ts'
import { createStore } from './store.ts'
import { createViews } from './views.ts'

export interface EngineOptions extends SyncEngineOptions {
  /** XState's inspection of every actor of this engine. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined
}

const SETTLE_MS = 1_000
const PROBE_EVERY_MS = 30_000
const RESTART_MS = 1_000
/** Who wrote the store may have died before anybody was told of it. */
const LOOK_AGAIN_MS = 60_000
/** Ended operations are cleaned up after this many more. */
const FORGET_EVERY = 5_000
const QUARANTINE_LIMIT = 10_000
const ALL: readonly string[] = Object.keys(STORE_SCHEMA.collections)

/** Which engine has opened a storage object: if it closes it, that is closed for all. */
const users = new WeakMap<Storage, string>()

export type Runtime = ReturnType<typeof createRuntime>

/** Puts an engine's parts together, and provides its machine with what it invokes. */
export function createRuntime(options: EngineOptions, system: SystemPorts) {
  if (!isRecord(options)) throw new ValidationError('options', 'must be an object.')
  const { inspect, ...plain } = options
  if (inspect !== undefined && typeof inspect !== 'function') throw new ValidationError('inspect', 'must be a function.')
  const settings = settingsOf(plain)
  const ports: SystemPorts = { ...system, ...plain.ports }
  const { storage, transport } = plain
  const { clock } = ports
  const owner = ports.newId()
  const store = createStore(storage, (writes, keys) => views.committed(writes, keys))
  const events = createEvents(clock)
  const views = createViews(settings, store, clock, events)
  const progress = createProgress(clock, events)
  const optimistic = createOptimistic(events)
  const handles = createHandles(store, events, optimistic.ended)
  const breakerWatch = createBreakerWatch(breaker, settings.breaker, clock, events, () => dispatcher.turn())
  const metrics = createMetrics(clock, {
    breaker: breakerWatch.read,
    lock: () => ({ owner: dispatcher.isOwner(), epoch: epoch() }),
  })
  const drains = createDrains((summary) => events.emit({ type: 'drain:completed', summary }))
  const replica = createReplica(store, settings.user, clock, (entity) => settings.entities[entity]?.actions ?? {})
  const chooser = createChooser(settings, transport, store)
  const signs = createBreakerSigns(clock, breaker)
  const pullRequests = createPullRequests(settings, store, {
    isOwner: () => dispatcher.isOwner(),
    isHeld,
    want: (targets) => machine?.send({ type: 'PULL.WANTED', targets }),
    failed: (error) => events.emit({ type: 'storage:error', error }),
  })
  const puller = createPuller(settings, ports, transport, replica, {
    epoch,
    signs,
    events,
    networkSuspected: () => machine?.send({ type: 'DRAIN.NETWORK_SUSPECTED' }),
    requestOf: pullRequests.requestOf,
  })
  const reconciler = createReconciler(settings, ports, transport, store, signs)
  const intake = createIntake(settings, ports, store, accepted)
  const lease = leaseLock(storage, clock, { owner, user: settings.user, holder: () => presence?.holder })
  const closers = new Set<() => void>()
  const changeListeners = new Set<() => void>()
  const quarantine = new Set<number>()
  let machine: EngineActor | undefined
  let clientId = owner
  let opening = Promise.resolve()
  let endedSince = FORGET_EVERY
  let presence: { readonly holder: string; release(): Promise<void> } | undefined

  const sender = createSender(settings, ports, transport, {
    clientId: () => clientId,
    signs,
    requested: metrics.requested,
    networkSuspected: () => machine?.send({ type: 'DRAIN.NETWORK_SUSPECTED' }),
  })

  const effects = createEffects(settings, ports, {
    sender,
    reconciler,
    optimistic,
    events,
    dispatcher: () => dispatcher,
    authNeeded: () => machine?.send({ type: 'DRAIN.AUTH_NEEDED' }),
  })
  const slots = createSlots(settings, clock, effects, inspect)

  const dispatcher = createDispatcher(
    settings,
    ports,
    { store, replica, chooser },
    {
      breaker,
      takeSlot: slots.take,
      abandon() {
        slots.stopAll()
        sender.abortAll()
        reconciler.abortAll()
      },
      started: (row) => events.emit({ type: 'sync:started', operation: infoOf(row) }),
      recorded,
      quarantined,
      failed: (part, error) =>
        events.emit(part === 'storage' ? { type: 'storage:error', error } : { type: 'engine:error', part, error }),
      quiet,
    },
  )

  const logic = engineMachine.provide({
    actors: {
      open: fromPromise(open),
      close: fromPromise(close),
      drain: fromCallback<DrainCommand>(({ receive, sendBack }) => {
        dispatcher.attach(sendBack)
        const unwatch = breakerWatch.start()
        receive((command) => {
          dispatcher.command(command)
          if (command.type === 'OWN') pullRequests.owned()
        })
        return () => {
          unwatch()
          dispatcher.command({ type: 'DISOWN' })
        }
      }),
      lock: lease.logic,
      pull: pullMachine.provide({
        actors: { page: fromPromise<PageResult, PageInput>(({ input, signal }) => puller.page(input, signal)) },
      }),
      connectivity: connectivityMachine.provide({
        guards: { isOnline: () => ports.connectivity.online() },
        actors: { probe: fromPromise<boolean>(({ signal }) => ports.connectivity.probe?.(signal) ?? Promise.resolve(true)) },
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

  function isHeld(): boolean {
    const snapshot = machine?.getSnapshot()
    return snapshot === undefined || !snapshot.matches('running') || snapshot.context.pauses.length > 0
  }

  function epoch(): number {
    return machine?.getSnapshot().context.epoch ?? 0
  }

  /** What it opened is closed again if it fails, and not before it has ended. */
  function open(): Promise<void> {
    if ((users.get(storage) ?? owner) !== owner) return Promise.reject(inUse())
    users.set(storage, owner)
    opening = openStore().catch(async (error: unknown) => {
      await release().catch((failure: unknown) => events.emit({ type: 'storage:error', error: failure }))
      throw error
    })
    return opening
  }

  async function close(): Promise<void> {
    await opening.catch(() => {})
    await release()
    for (const listener of changeListeners) listener()
    pullRequests.changed()
  }

  async function openStore(): Promise<void> {
    await storage.open(STORE_SCHEMA)
    clientId = await store.installId(ports.newId)
    void countLive()
    presence = await storage.presence?.announce()
    closers.add(storage.watch(storeChanged))
    closers.add(every(clock, LOOK_AGAIN_MS, storeChanged))
    closers.add(ports.connectivity.watch((online) => machine?.send({ type: online ? 'PLATFORM.ONLINE' : 'PLATFORM.OFFLINE' })))
    handles.lookAgain()
    views.opened()
  }

  async function release(): Promise<void> {
    if (users.get(storage) !== owner) return
    for (const stop of closers) stop()
    closers.clear()
    views.closed()
    // Where that fails the store is not open, or the lease goes stale by itself.
    await lease.release().catch(() => {})
    await presence?.release()
    presence = undefined
    await storage.close().finally(() => users.delete(storage))
  }

  /** What earlier engines left counts as live here too. */
  async function countLive(): Promise<void> {
    try {
      metrics.foundLive(await store.countLive(settings.user))
    } catch (error) {
      events.emit({ type: 'storage:error', error })
    }
  }

  /** Most commits of others are beats of the lease, or none of the lease at all. */
  function storeChanged(collections: readonly string[] = ALL): void {
    if (collections.includes(OPERATIONS) || collections.includes(ENTITIES)) views.storeChanged()
    if (collections.includes(META)) {
      machine?.send({ type: 'STORE.CHANGED' })
      pullRequests.storeChanged()
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

  /** Told of once, however often it is met. */
  function quarantined(sequence: number, error: SyncError): void {
    if (quarantine.has(sequence)) return
    if (quarantine.size >= QUARANTINE_LIMIT) quarantine.clear()
    quarantine.add(sequence)
    events.emit({ type: 'sync:quarantined', sequence, error })
  }

  function recorded(row: OperationRow): void {
    drains.recorded(row)
    announce(events, row)
    for (const listener of changeListeners) listener()
    if (!isTerminal(row.status)) return
    handles.settle(row)
    endedSince += 1
    if (endedSince >= 2 * FORGET_EVERY) void forget()
  }

  function quiet(): void {
    drains.quiet(machine?.getSnapshot().context.pauses ?? [])
    if (endedSince >= FORGET_EVERY) void forget()
  }

  async function forget(): Promise<void> {
    if (!dispatcher.isOwner()) return
    endedSince = 0
    try {
      await forgetEnded(store, settings.retention, epoch(), clock.now())
      await forgetTombstones(store, settings.retention, epoch(), clock.now())
    } catch (error) {
      events.emit({ type: 'storage:error', error })
    }
  }

  return {
    settings,
    ports,
    inspect,
    store,
    events,
    optimistic,
    handles,
    views,
    progress,
    pullRequests,
    metrics,
    drains,
    intake,
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
      events.on('pull:*', pullRequests.changed)
      events.on('engine:paused', pullRequests.changed)
    },
  }
}

function inUse(): SyncError {
  return new SyncError(
    'storage-in-use',
    'Another engine that runs has opened this storage object. Give each engine an object of its own; they may name the same store.',
  )
}
