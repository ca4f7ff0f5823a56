import type { Observable } from 'rxjs'
import { createActor, type AnyActorRef } from 'xstate'
import type { EngineEvent } from '../../machines/engine.ts'
import { SyncError, ValidationError } from '../core/errors.ts'
import { isTerminal, type OperationRow } from '../core/operation.ts'
import { createConflicts } from './conflicts.ts'
import { createEdits } from './edits.ts'
import { withLeft } from './drain-summary.ts'
import { followDrain } from './follow-drain.ts'
import { followed } from './followed.ts'
import { guarded } from './guarded.ts'
import { infoOf } from './info.ts'
import { policyOf, type LoggedOut } from './log-out.ts'
import { machineClock } from './machine-clock.ts'
import { readInput } from './new-row.ts'
import { createOperations } from './operations.ts'
import { tokenOf } from './optimistic.ts'
import { without } from './parts.ts'
import { NO_RECORDER } from './recorder/recorder.ts'
import type { Runtime } from './runtime.ts'
import { OWN_PAUSES, SERVER_PAUSE } from './own-pauses.ts'
import { createSchedules } from './schedules.ts'
import { createTransact } from './transact.ts'
import { announceLife, announcePauses, memoized, reached } from './engine-snapshots.ts'
import { engineState, statePath, stateStream } from './state.ts'
import type { SyncQuery, SyncResult } from './read-types.ts'
import type { DrainSummary, EnqueueInput, EngineState, Operation, SyncEngine } from './types.ts'

/** The engine behind a runtime; `parent` is the actor of an application that it is part of. */
export function createEngine(runtime: Runtime, parent: AnyActorRef | undefined): SyncEngine {
  const {
    settings,
    ports,
    events,
    store,
    stamps,
    transactions,
    handles,
    intake,
    linker,
    optimistic,
    dispatcher,
    drains,
    metrics,
    statistics,
    alerts,
    logger,
    recorder,
    parts,
  } = runtime
  const actor = createActor(runtime.logic, {
    id: 'engine',
    input: runtime.input,
    ...(parent === undefined ? { clock: machineClock(ports.clock) } : { parent }),
    ...(runtime.inspect === undefined ? {} : { inspect: runtime.inspect }),
  })
  runtime.attach(actor)
  if (logger !== undefined && parts.logger !== undefined) events.on('*', parts.logger(logger, events.subscriberFailed))
  if (recorder !== undefined) events.on('*', recorder.notice)
  events.on('*', metrics.record)
  if (statistics !== undefined) events.on('*', statistics.record)
  if (alerts !== undefined) events.on('*', alerts.record)
  announceLife(events, actor)
  announcePauses(events, actor)
  actor.start()

  const send = (event: EngineEvent): void => actor.send(event)
  const state = memoized(engineState, () => actor.getSnapshot())
  const safely = <T>(stream: Observable<T>): Observable<T> => guarded(stream, events.subscriberFailed)
  let stops = 0
  let leaving: Promise<LoggedOut> | undefined

  const edits = createEdits(settings.user, store, transactions, {
    accepted: runtime.accepted,
    now: ports.clock.now,
    linked: linker.edited,
    made: stamps.made,
    edited(row) {
      if (row === undefined) handles.lookAgain()
      else if (isTerminal(row.status)) handles.settle(row)
      if (row?.status === 'cancelled') events.emit({ type: 'sync:cancelled', operation: infoOf(row) })
      dispatcher.changed()
      runtime.changes.tell()
    },
    resolved: (row, conflict) => events.emit({ type: 'conflict:resolved', operation: infoOf(row), conflict }),
    gaveUp({ id }, left) {
      events.emit({ type: 'transaction:failed', transaction: id })
      for (const row of left) events.emit({ type: 'transaction:left', operation: infoOf(row) })
    },
  })

  /** What is found in the store; `nothing` as long as the user is logged out. */
  function watched<T>(look: () => Promise<T>, nothing: T): Observable<T> {
    const ofUser = async (): Promise<T> => {
      const found = runtime.hasLoggedOut() ? nothing : await look()
      return runtime.hasLoggedOut() ? nothing : found
    }
    const failed = (error: unknown): void => events.emit({ type: 'storage:error', error })
    return safely(followed(ofUser, { clock: ports.clock, onChange: runtime.changes.onChange, failed }))
  }

  async function enqueueAll(inputs: readonly EnqueueInput[]): Promise<readonly Operation[]> {
    requireOpen(state())
    if (!Array.isArray(inputs)) throw new ValidationError('operations', 'must be a list of operations.')
    const rows = await intake.accept(inputs)
    return rows.map((row, i) => accepted(row, inputs[i]))
  }

  function accepted(row: OperationRow, input: EnqueueInput | undefined): Operation {
    registerOptimistic(row, input)
    return handles.handle(row.id)
  }

  /** Whoever sends the operation, its handlers are called here: so its end is waited for. */
  function registerOptimistic(row: OperationRow, input: EnqueueInput | undefined): void {
    if (input?.optimistic === undefined) return
    const { rollback, onSuccess, onError } = input.optimistic
    const token = tokenOf(row)
    if (rollback !== undefined || onSuccess !== undefined || onError !== undefined) optimistic.register(token, input.optimistic)
    optimistic.join(token, row.id)
    void handles.handle(row.id).settled
  }

  async function enqueue(input: EnqueueInput): Promise<Operation> {
    requireOpen(state())
    const [row] = await intake.accept([input])
    if (row === undefined) throw new SyncError('not-stored', 'The operation was not stored; please report this.')
    return accepted(row, input)
  }

  const transact = createTransact({
    newId: ports.newId,
    read: (input, at) => readInput(settings, input, at),
    accepted,
    accept(transaction) {
      requireOpen(state())
      return intake.acceptTogether(transaction)
    },
  })

  async function flush(): Promise<DrainSummary> {
    requireOpen(state())
    const { onChange } = runtime.changes
    const pauses = (): readonly string[] => state().pauses
    const followed = dispatcher.isOwner()
      ? undefined
      : await followDrain(store, settings.user, { onChange, isOwner: dispatcher.isOwner, pauses })
    if (followed !== undefined) return withLeft(followed, store, settings.user)
    const drained = drains.next()
    dispatcher.turn()
    return withLeft(await drained, store, settings.user)
  }

  async function stop(): Promise<void> {
    stops += 1
    if (state().phase === 'stopped') return
    send({ type: 'STOP' })
    await reached(actor, (snapshot) => snapshot.matches('stopped'))
  }

  async function synchronize(query: SyncQuery = {}): Promise<SyncResult> {
    requireOpen(state())
    const { readPath } = runtime
    const wish = readPath.wishOf(query)
    readPath.progress.pushing()
    try {
      const pushed = await flush()
      return { pushed, pulled: await readPath.request(wish) }
    } finally {
      readPath.progress.pushed()
    }
  }

  const schedules = createSchedules(ports, {
    check: (query) => void runtime.readPath.wishOf(query),
    synchronize,
    failed: (error) => events.emit({ type: 'engine:error', part: 'schedule', error }),
  })
  events.on('engine:stopped', schedules.cancelAll)
  events.on('engine:logged-out', schedules.cancelAll)

  return {
    async start() {
      const stopsBefore = stops
      if (leaving !== undefined) await leaving.catch(() => {})
      if (state().phase === 'stopping') await reached(actor, (snapshot) => engineState(snapshot).phase !== 'stopping')
      if (stops !== stopsBefore) throw stoppedMeanwhile()
      if (RUNNING.has(state().phase)) return
      send({ type: 'START' })
      const { phase, error } = engineState(await reached(actor, (snapshot) => engineState(snapshot).phase !== 'starting'))
      if (phase === 'failed') throw error
      if (phase === 'stopped' || phase === 'stopping') throw stoppedMeanwhile()
    },
    stop,
    async logOut(options = {}) {
      requireOpen(state())
      const logOut = runtime.logOut ?? without('logOut')()
      const pending = policyOf(options)
      await logOut.begin(pending)
      leaving = stop()
        .then(() => runtime.storeLife.visit(() => logOut.finish(pending)))
        .finally(() => (leaving = undefined))
      return leaving
    },
    pause(reason) {
      send({ type: 'PAUSE', reason: checkReason(reason, OWN_PAUSES) })
    },
    resume(reason) {
      send({ type: 'RESUME', reason: checkReason(reason, NOT_RESUMED) })
    },
    enqueue,
    enqueueAll,
    transaction: transact,
    flush,
    synchronize,
    schedule(input) {
      requireOpen(state())
      return schedules.schedule(input)
    },
    schedulePeriodic(input) {
      requireOpen(state())
      return schedules.schedulePeriodic(input)
    },
    cancel: schedules.cancel,
    progress$: safely(runtime.readPath.progress.progress$),
    scopes: runtime.readPath.scopes,
    enableRealtime: runtime.readPath.realtime.enable,
    disableRealtime: runtime.readPath.realtime.disable,
    realtime$: safely(runtime.readPath.realtime.state$),
    messages$: safely(runtime.readPath.realtime.messages$),
    operations: createOperations(
      settings,
      store,
      handles,
      edits,
      intake.checks,
      { enqueue, transact, membersOf: transactions.membersOf },
      watched,
    ),
    conflicts: createConflicts(settings, store, edits, intake.checks, watched),
    audit: parts.audit?.read(settings, store.storage) ?? { list: async () => without('audit')() },
    optimistic: {
      register: optimistic.register,
      commit: optimistic.commit,
      rollback: optimistic.rollback,
      rollbackBatch: optimistic.rollbackBatch,
    },
    view: runtime.views?.of ?? without('view'),
    recorder: recorder === undefined ? NO_RECORDER : { export: recorder.export, watch: recorder.watch },
    metrics: metrics.read,
    statistics: statistics?.api ?? { get: async () => without('statistics')(), reset: async () => without('statistics')() },
    async check(options) {
      requireOpen(state())
      return (runtime.check ?? without('check'))(options)
    },
    explain: async (id) =>
      (parts.explain ?? without('explain'))(
        settings,
        store,
        {
          now: ports.clock.now,
          state,
          statePath: () => statePath(actor.getSnapshot()),
          metrics: metrics.read,
          nextDueAt: dispatcher.nextDueAt,
          retryWaitMs: runtime.budget.waitMs,
        },
        id,
      ),
    on: events.on,
    events$: events.events$,
    state$: safely(stateStream(actor, state)),
    history: events.history,
  }
}

const RUNNING: ReadonlySet<EngineState['phase']> = new Set(['following', 'draining', 'paused', 'restarting'])

const NOT_RESUMED: ReadonlySet<string> = new Set([SERVER_PAUSE])

function checkReason(reason: string, reserved: ReadonlySet<string>): string {
  if (typeof reason !== 'string' || reason === '')
    throw new ValidationError('reason', 'must be a non-empty string; resume needs the same one.')
  if (reserved.has(reason))
    throw new ValidationError('reason', `must be another: the pause '${reason}' is the engine’s own, and ends by itself.`)
  return reason
}

function requireOpen({ phase }: EngineState): void {
  if (phase === 'stopped' || phase === 'failed' || phase === 'starting')
    throw new SyncError('not-started', 'The engine is not running. Await start() first.')
}

function stoppedMeanwhile(): SyncError {
  return new SyncError('not-started', 'The engine was stopped before it had started. Call start() again.')
}
