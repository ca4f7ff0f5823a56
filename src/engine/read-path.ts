import { fromPromise } from 'xstate'
import type { EngineActor } from '../../machines/engine.ts'
import { pullMachine, type PageInput, type PageResult, type PullTarget } from '../../machines/pull.ts'
import type { Settings } from '../core/options.ts'
import type { SystemPorts, Transport } from '../core/ports.ts'
import type { BreakerSigns } from './breaker-signs.ts'
import type { Events } from './events.ts'
import { createProgress } from './progress.ts'
import { createPullRequests } from './pull-requests.ts'
import { createPuller } from './puller.ts'
import { NO_REALTIME } from './no-pull.ts'
import type { createRealtime } from './realtime.ts'
import type { Replica } from './replica.ts'
import { createScopes } from './scopes.ts'
import type { ServerPace } from './server-pace.ts'
import type { Session } from './session.ts'
import type { Store } from './store.ts'
import type { Inspect } from './tell-directly.ts'

export interface ReadPathParts {
  readonly transport: Transport
  readonly store: Store
  readonly replica: Replica
  readonly signs: BreakerSigns
  readonly events: Events
  readonly inspect: Inspect | undefined
  machine(): EngineActor | undefined
  isOwner(): boolean
  epoch(): number
  read: Session['read']
  readonly pace: ServerPace
  readonly createRealtime: typeof createRealtime | undefined
}

/** After a look at what is asked for that failed. */
const LOOK_AGAIN_MS = 1_000

export type ReadPath = ReturnType<typeof createReadPath>

/** What brings the server's changes: pulls by themselves and on request, and the line that tells when to. */
export function createReadPath(settings: Settings, ports: SystemPorts, parts: ReadPathParts) {
  const { transport, store, replica, signs, events, inspect, machine, isOwner, epoch, read, pace } = parts
  const want = (targets: readonly PullTarget[]): void => machine()?.send({ type: 'PULL.WANTED', targets })
  let cancelLook = (): void => {}
  const scopes = createScopes(settings, store, { isOwner, want, failed })
  const requests = createPullRequests(settings, store, { read, isOwner, isHeld, want, allTold, scopesOf: scopes.of, failed })
  const realtime = parts.createRealtime?.(settings, ports, events, { isOwner, isOnline, want }, inspect) ?? NO_REALTIME
  const puller = createPuller(settings, ports, transport, replica, {
    epoch,
    signs,
    events,
    networkSuspected: () => machine()?.send({ type: 'DRAIN.NETWORK_SUSPECTED' }),
    requestOf: requests.requestOf,
    scopesOf: scopes.of,
    isTold: realtime.isConnected,
    pace,
  })

  /** Nobody else says that something is asked for, so it is looked at again. */
  function failed(error: unknown): void {
    events.emit({ type: 'storage:error', error })
    cancelLook()
    if (isOwner()) cancelLook = ports.clock.schedule(look, LOOK_AGAIN_MS)
  }

  /** At the rows in which requests and answers lie. */
  function look(): void {
    requests.storeChanged()
    scopes.takeSoon()
  }

  function allTold(): Promise<unknown> {
    return puller.allTold()
  }

  function isHeld(): boolean {
    const snapshot = machine()?.getSnapshot()
    return snapshot === undefined || !snapshot.matches('running') || snapshot.context.pauses.length > 0
  }

  function isOnline(): boolean {
    return !(machine()?.getSnapshot().context.pauses.includes('network') ?? false)
  }

  function page(input: PageInput, signal: AbortSignal): Promise<PageResult> {
    pace.taking()
    const taking = puller.page(input, signal)
    // Once the machine has heard of it, and knows how far that has come.
    void taking.then(() => undefined).then(pace.taken)
    return taking
  }

  function goOn(): void {
    const entities = puller.takeHeldBack()
    if (entities.length > 0) want(entities.map((entity) => ({ entity, full: false })))
  }

  events.on('breaker:halfOpened', goOn)
  events.on('breaker:closed', goOn)
  events.on('pull:*', requests.changed)
  events.on('engine:paused', requests.changed)

  return {
    progress: createProgress(ports.clock, events),
    realtime,
    scopes: scopes.choice,
    wishOf: requests.wishOf,
    request: requests.request,
    logic: pullMachine.provide({
      actors: { page: fromPromise<PageResult, PageInput>(({ input, signal }) => page(input, signal)) },
    }),
    /** This engine owns the lease from now on. */
    owned(): void {
      requests.owned()
      scopes.takeSoon()
      realtime.begin()
    },
    disowned: realtime.end,
    /** Another handle has written the rows in which requests and answers lie. */
    storeChanged: look,
    emptied: requests.emptied,
    closed(): void {
      cancelLook()
      realtime.end()
      requests.changed()
    },
  }
}
