import { BehaviorSubject, Observable, Subject } from 'rxjs'
import { createActor, fromCallback } from 'xstate'
import { channelMachine, type ChannelHealth, type ChannelReport } from '../../machines/channel.ts'
import type { PullTarget } from '../../machines/pull.ts'
import type { ChangedMessage } from '../core/channel-message.ts'
import type { OpenChannel } from '../core/channel-port.ts'
import { SyncError } from '../core/errors.ts'
import type { Settings } from '../core/options.ts'
import type { SystemPorts } from '../core/ports.ts'
import { channelConnection } from './channel-connection.ts'
import { distinct } from './distinct.ts'
import type { Events } from './events.ts'
import { machineClock } from './machine-clock.ts'
import type { RealtimeState } from './read-types.ts'
import type { Inspect } from './tell-directly.ts'

export type Realtime = ReturnType<typeof createRealtime>

export interface RealtimeHooks {
  isOwner(): boolean
  isOnline(): boolean
  want(targets: readonly PullTarget[]): void
}

export const OFF: RealtimeState = { phase: 'off', latencyMs: undefined, missedBeats: 0 }

/**
 * The line over which the server tells of changes, held by the engine that owns the lease: one for all tabs. What it tells is a hint to pull; while
 * it is there, pulls by themselves become rare, and when it is lost everything is pulled at once.
 */
export function createRealtime(
  settings: Settings,
  ports: SystemPorts,
  events: Events,
  hooks: RealtimeHooks,
  inspect: Inspect | undefined,
) {
  const state = new BehaviorSubject<RealtimeState>(OFF)
  /** Of what is changed by who is told of it, RxJS tells others in the reverse order: they are told what is now. */
  const latest = new Observable<RealtimeState>((subscriber) => state.subscribe(() => subscriber.next(state.value)))
  const messages = new Subject<ChangedMessage>()
  let isEnabled = true
  let isConnectionTold = false
  let line: ReturnType<typeof openLine> | undefined

  function openLine(channel: OpenChannel) {
    const { channel: _channel, ...options } = settings.realtime
    const parent = createActor(
      fromCallback<ChannelReport>(({ receive }) => receive(hear)),
      { id: 'realtime' },
    )
    const logic = channelMachine.provide({ actors: { connection: channelConnection(channel, ports) } })
    const actor = createActor(logic, {
      id: 'channel',
      input: { ...options, parent },
      clock: machineClock(ports.clock),
      ...(inspect === undefined ? {} : { inspect }),
    })
    return { parent, actor }
  }

  function hear(report: ChannelReport): void {
    if (report.type === 'CHANNEL.MESSAGE') return heard(report.message)
    if (report.type === 'CHANNEL.HEALTH') return show(state.value.phase, report)
    if (report.type === 'CHANNEL.CONNECTED') show('connected')
    else if (report.type === 'CHANNEL.DISCONNECTED') show('connecting')
    else show('polling')
    if (report.type === 'CHANNEL.FAILED') events.emit({ type: 'engine:error', part: 'realtime', error: report.error })
    if (report.type === 'CHANNEL.UNAUTHORIZED') events.emit({ type: 'realtime:unauthorized' })
    pullAll()
  }

  function heard(message: Extract<ChannelReport, { type: 'CHANNEL.MESSAGE' }>['message']): void {
    if (message.type !== 'changed' || !Object.hasOwn(settings.entities, message.entity)) return
    messages.next(message)
    hooks.want([{ entity: message.entity, full: false }])
  }

  /** What changed while there was no line, nobody tells. */
  function pullAll(): void {
    hooks.want(Object.keys(settings.entities).map((entity) => ({ entity, full: false })))
  }

  function show(phase: RealtimeState['phase'], health: ChannelHealth = state.value): void {
    state.next({ phase, latencyMs: health.latencyMs, missedBeats: health.missedBeats })
  }

  function begin(): void {
    const { channel } = settings.realtime
    if (channel === undefined || !isEnabled || line !== undefined || !hooks.isOwner()) return
    const opened = openLine(channel)
    line = opened
    opened.parent.start()
    opened.actor.start()
    show('connecting')
    // Who sees that may switch it off.
    if (line !== opened) return
    opened.actor.send({ type: 'CONNECT' })
    if (!hooks.isOnline()) opened.actor.send({ type: 'WENT_OFFLINE' })
  }

  function isConnected(): boolean {
    return state.value.phase === 'connected'
  }

  function end(): void {
    const ending = line
    line = undefined
    ending?.actor.stop()
    ending?.parent.stop()
    state.next(OFF)
  }

  function tellConnection(): void {
    if (isConnected() === isConnectionTold) return
    isConnectionTold = !isConnectionTold
    events.emit({ type: isConnectionTold ? 'realtime:connected' : 'realtime:disconnected' })
  }

  // Before all others: one of them may switch it off, and on.
  state.subscribe(tellConnection)
  events.on('network:offline', () => line?.actor.send({ type: 'WENT_OFFLINE' }))
  events.on('network:online', () => line?.actor.send({ type: 'CAME_ONLINE' }))
  // Somebody has logged in.
  events.on('engine:resumed', ({ reason }) => {
    if (reason === 'auth') line?.actor.send({ type: 'CONNECT' })
  })

  return {
    state$: distinct(latest, (a, b) => a.phase === b.phase && a.latencyMs === b.latencyMs && a.missedBeats === b.missedBeats),
    messages$: new Observable<ChangedMessage>((subscriber) => messages.subscribe(subscriber)),
    isConnected,
    begin,
    end,
    /** @throws SyncError if the engine was given no channel. */
    enable(): void {
      if (settings.realtime.channel === undefined) throw noChannel()
      isEnabled = true
      begin()
    },
    disable(): void {
      isEnabled = false
      if (line === undefined) return
      end()
      pullAll()
    },
  }
}

function noChannel(): SyncError {
  return new SyncError(
    'no-channel',
    "The engine has no realtime channel. Give it one: realtime: { channel: webSocketChannel({ url }) } from 'synchart/realtime/websocket'.",
  )
}
