import type { InspectionEvent } from 'xstate'
import type { BreakerActor } from '../../machines/breaker.ts'
import type { EngineActor } from '../../machines/engine.ts'
import { ValidationError } from '../core/errors.ts'
import { isTerminal, type ConflictRecord, type OperationRow } from '../core/operation.ts'
import { merged, settingsOf, type SyncEngineOptions } from '../core/options.ts'
import type { SystemPorts } from '../core/ports.ts'
import { isRecord } from '../core/schema.ts'
import { createShapes } from '../core/shapes.ts'
import { announce } from './announce.ts'
import { isItsEnd } from './background.ts'
import { createBreakerSigns } from './breaker-signs.ts'
import { createBreakerWatch } from './breaker-watch.ts'
import { createChanges } from './changes.ts'
import { createDepth } from './depth.ts'
import { createDrains } from './drains.ts'
import { engineInput } from './engine-input.ts'
import { engineLogic } from './engine-logic.ts'
import { createEvents } from './events.ts'
import { createForgetting } from './forgetting.ts'
import { guardedActions } from './guarded-actions.ts'
import { createHandles } from './handles.ts'
import { infoOf } from './info.ts'
import { heedingTransport } from './heeding-transport.ts'
import { createIntake } from './intake.ts'
import { leaseLock } from './lease.ts'
import { createLinker } from './links.ts'
import { logInOnly } from './log-in.ts'
import { createMetrics } from './metrics.ts'
import { createOptimistic } from './optimistic.ts'
import { checkParts, type Parts } from './parts.ts'
import { createQuarantine } from './quarantine.ts'
import { NO_READ_PATH } from './no-pull.ts'
import { recordedParts } from './recorder/recorded-parts.ts'
import { createReplica } from './replica.ts'
import { createReachability } from './reachability.ts'
import { createRetryBudget } from './retry-budget.ts'
import { createServerPace } from './server-pace.ts'
import { createSession } from './session.ts'
import { shapedStorage } from './shaped-storage.ts'
import { createRenewal } from './renewal.ts'
import { createStamps } from './stamps.ts'
import { createStoreLife } from './store-life.ts'
import { createStoreNews } from './store-news.ts'
import { createStore } from './store.ts'
import { createTransactions } from './transactions.ts'
import { createWritePath } from './write-path.ts'

export interface EngineOptions extends SyncEngineOptions {
  /** XState's inspection of every actor of this engine. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined
}

export type Runtime = ReturnType<typeof createRuntime>

/** Puts an engine's parts together, and provides its machine with what it invokes. */
export function createRuntime(options: EngineOptions, system: SystemPorts, parts: Partial<Parts>) {
  if (!isRecord(options)) throw new ValidationError('options', 'must be an object.')
  const { inspect: inspectToo, ...plain } = options
  if (inspectToo !== undefined && typeof inspectToo !== 'function') throw new ValidationError('inspect', 'must be a function.')
  const given = settingsOf(plain)
  checkParts(plain, parts)
  const ports = merged('ports', system, plain.ports)
  const { clock } = ports
  const events = createEvents(clock)
  const settings = guardedActions(given, (error) => events.emit({ type: 'engine:error', part: 'actions', error }))
  const pace = createServerPace(clock, () => machine)
  const budget = createRetryBudget(settings.retry, clock)
  const owner = ports.newId()
  const ofUser = heedingTransport(plain.transport.forUser?.(settings.user) ?? plain.transport, pace.heed)
  const { recorder, inspect, storage, transport } = recordedParts(plain, ofUser, {
    inspectToo,
    clock,
    events,
    create: parts.recorder,
  })
  const session = createSession(settings.user, storage, {
    ended() {
      machine?.send({ type: 'STOP' })
      views?.loggedOut()
      changes.tell()
      events.emit({ type: 'engine:logged-out' })
    },
    met: (install) => storeLife.met(install),
  })
  const audit = parts.audit?.write(settings, clock, storage, { clientId: () => storeLife.clientId(), failed })
  const shapes = createShapes(settings.entities, settings.limits)
  const store = createStore(shapedStorage(session.rows, shapes), audit, () => views)
  const views = parts.view?.(settings, store, clock, events)
  const optimistic = createOptimistic(events)
  const handles = createHandles(store, settings.user, events, optimistic.ended)
  const breakerWatch = createBreakerWatch(breaker, settings.breaker, clock, events, () => dispatcher.turn())
  const statistics = parts.statistics?.({ user: settings.user, owner }, clock, store, failed)
  const metrics = createMetrics({
    breaker: breakerWatch.read,
    lock: () => ({ owner: dispatcher.isOwner(), epoch: epoch() }),
  })
  const depth = createDepth(clock, { recount: () => metrics.recount(() => store.countLive(settings.user)), failed })
  const alerts = parts.alerts?.(settings, clock, store, events, {
    isOwner: () => dispatcher.isOwner(),
    pauses: () => machine?.getSnapshot().context.pauses ?? [],
    breaker: breakerWatch.read,
    failed,
  })
  const drains = createDrains((summary) => events.emit({ type: 'drain:completed', summary }))
  const replica = createReplica(store, settings.user, clock, (entity) => settings.entities[entity]?.actions ?? {})
  const signs = createBreakerSigns(clock, breaker, pace.pausedMs, () => breakerWatch.read().remainingMs)
  const readPath =
    parts.pull?.(settings, ports, {
      ...{ transport, store, replica, signs, events, inspect, epoch, pace },
      machine: () => machine,
      isOwner: () => dispatcher.isOwner(),
      read: session.read,
      createRealtime: parts.realtime,
    }) ?? NO_READ_PATH
  const stamps = createStamps(settings, ports)
  const linker = createLinker(settings, store)
  const transactions = createTransactions(settings, ports, store, { stamps, linker })
  const intake = createIntake(settings, ports, store, { stamps, linker }, accepted)
  const lease = leaseLock(storage, ports, {
    owner,
    user: settings.user,
    versions: shapes.versions,
    holder: () => storeLife.holder(),
    read: session.read,
  })
  const changes = createChanges()
  let machine: EngineActor | undefined

  const logOut = parts.logOut?.(settings, clock, storage, store, session, {
    owner,
    forgotten: handles.forgotten,
    wiped: (wiped) => events.emit({ type: 'engine:wiped', wiped }),
  })
  const storeLife = createStoreLife(storage, ports, events, {
    owner,
    given: plain.storage,
    logIn: logOut?.logIn ?? (() => logInOnly(session)),
    readable: () => void depth.look(),
    opened() {
      pace.opened()
      handles.lookAgain()
      views?.opened()
      changes.tell()
      statistics?.opened()
      alerts?.opened()
    },
    emptied: () => news.emptied(),
    async closing() {
      pace.closing()
      depth.closing()
      views?.closed()
      alerts?.closing()
      integrity?.closing()
      // Where that fails the store is not open, or the lease goes stale by itself.
      await lease.release().catch(() => {})
      await statistics?.closing()
    },
    changed: (collections) => news.changed(collections),
    platform: (online) => machine?.send({ type: online ? 'PLATFORM.ONLINE' : 'PLATFORM.OFFLINE' }),
  })
  const quarantined = createQuarantine(events)
  const reachability = createReachability(ports.connectivity, () => machine)
  const dispatcher = createWritePath(settings, ports, {
    ...{ transport, store, replica, signs, stamps, transactions, reachability, events, optimistic, inspect, budget },
    health: metrics,
    machine: () => machine,
    clientId: storeLife.clientId,
    maxBatch: pace.maxBatch,
    requested() {
      metrics.requested()
      statistics?.requested()
    },
    breaker,
    recorded,
    accepted,
    quarantined,
    quiet,
  })

  const news = createStoreNews({
    ...{ views, replica, readPath, dispatcher, handles, depth, changes },
    send: (event) => machine?.send(event),
  })
  const integrity = parts.check?.(settings, {
    ...{ store, replica, events, clock, dispatcher, epoch, quarantined, transport, signs, readPath },
    ...{ tell: changes.tell, clientId: storeLife.clientId, machine: () => machine },
  })
  const owning = { isOwner: dispatcher.isOwner, epoch, now: clock.now, inTurn: replica.inTurn, failed }
  const forgetting = createForgetting(store, settings.retention, { ...owning, monotonic: clock.monotonic, audit })
  const renewal = createRenewal(storage, store, settings.user, shapes, {
    ...owning,
    unusable: (entity, id, error) => events.emit({ type: 'pull:quarantined', entity, id, error }),
  })

  const logic = engineLogic({
    open: storeLife.open,
    close,
    dispatcher,
    breakerWatch,
    readPath,
    lock: lease.logic,
    connectivity: ports.connectivity,
    reachability,
    events,
    acquired(takeover) {
      if (takeover) news.leftUntold()
      changes.tell()
    },
  })

  function failed(error: unknown): void {
    if (!isItsEnd(error)) events.emit({ type: 'storage:error', error })
  }

  function breaker(): BreakerActor | undefined {
    return machine?.getSnapshot().children.breaker
  }

  function epoch(): number {
    return machine?.getSnapshot().context.epoch ?? 0
  }

  async function close(): Promise<void> {
    await storeLife.close()
    changes.tell()
    readPath.closed()
  }

  function accepted(rows: readonly OperationRow[]): void {
    for (const row of rows) events.emit({ type: 'sync:queued', operation: infoOf(row) })
    dispatcher.enqueued(rows)
    changes.tell()
  }

  function recorded(row: OperationRow, conflict: ConflictRecord | undefined): void {
    drains.recorded(row)
    announce(events, row, conflict)
    changes.tell()
    if (!isTerminal(row.status)) return
    handles.settle(row)
    forgetting.ended()
  }

  function quiet(): void {
    drains.quiet(machine?.getSnapshot().context.pauses ?? [])
    forgetting.quiet()
    renewal.quiet()
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
    linker,
    accepted,
    dispatcher,
    logOut,
    hasLoggedOut: session.hasEnded,
    budget,
    storeLife,
    parts,
    audit,
    check: integrity?.check,
    logic,
    input: engineInput(settings, ports.connectivity, parts.pull !== undefined),
    changes,
    /** The actor that runs the engine's machine. */
    attach(actor: EngineActor): void {
      machine = actor
    },
  }
}
