import type { ChannelClosed, ChannelConnection, ChannelListener, OpenChannel } from '../../core/channel-port.ts'
import type { Tell } from './facts.ts'
import type { Effect } from './model-server.ts'
import type { Caller } from './network.ts'
import type { Scheduler } from './scheduler.ts'

/** What becomes of one hint on its way: how much later each copy of it comes, and what comes beside it. */
export interface PushFate {
  readonly laterMs: readonly number[]
  readonly beside: readonly unknown[]
}

export interface LineSurroundings {
  readonly scheduler: Pick<Scheduler, 'now' | 'after'>
  readonly tell: Tell
  latencyMs(): number
  /** What stands on the other end: nobody, or somebody who lets no line through. */
  outage(): 'silent' | 'refusing' | undefined
  fateOf(): PushFate
}

interface Line {
  readonly number: number
  readonly caller: Caller
  readonly listener: ChannelListener
  phase: 'opening' | 'open' | 'silent' | 'over'
  /** When the last message arrives: those of one line come in order. */
  lastAt: number
}

/** The realtime lines of all devices to the model server, which tells on each of them that something has changed. */
export interface Lines {
  channelOf(caller: Caller): OpenChannel
  changed(effects: readonly Pick<Effect, 'entity' | 'version'>[]): void
  /** The open line of a device goes silent without being closed. False if there is none. */
  silence(device: string): boolean
  /** The server closes the line of a device. False if there is none. */
  close(device: string, info: ChannelClosed): boolean
}

const BROKEN: ChannelClosed = { code: 1006, reason: '' }
const CLOSED: ChannelClosed = { code: 1000, reason: '' }

export function createLines({ scheduler, tell, latencyMs, outage, fateOf }: LineSurroundings): Lines {
  const lines = new Set<Line>()
  let count = 0

  function told(
    { number, caller: { tab, device, user } }: Line,
    change: 'opening' | 'opened' | 'silent' | 'closed' | 'left',
    retryAfterMs?: number,
  ): void {
    tell({ type: 'line', tab, device, user, line: number, change, retryAfterMs })
  }

  function carry(line: Line, laterMs: number, deliver: () => void): void {
    const arriveMs = scheduler.now() + latencyMs()
    line.lastAt = Math.max(line.lastAt, arriveMs)
    const delayMs = laterMs === 0 ? line.lastAt - scheduler.now() : arriveMs - scheduler.now() + laterMs
    scheduler.after(delayMs, () => {
      if (line.phase === 'silent' || !line.caller.isOnline()) return
      line.caller.life.enter(() => line.phase !== 'over' && line.phase !== 'silent' && deliver())
    })
  }

  function message(line: Line, data: unknown, laterMs = 0): void {
    carry(line, laterMs, () => {
      tell({ type: 'pushed', tab: line.caller.tab, line: line.number, text: JSON.stringify(data) })
      line.listener.message(data)
    })
  }

  function end(line: Line, info: ChannelClosed, change: 'closed' | 'left'): void {
    if (line.phase === 'over') return
    line.phase = 'over'
    lines.delete(line)
    told(line, change, info.retryAfterMs)
    scheduler.after(0, () => line.caller.life.enter(() => line.listener.closed(info)))
  }

  function connect(line: Line): void {
    if (!line.caller.isOnline() || outage() === 'refusing') return end(line, BROKEN, 'closed')
    if (outage() === 'silent') return
    line.phase = 'open'
    told(line, 'opened')
    line.listener.opened()
  }

  function open(caller: Caller, listener: ChannelListener): ChannelConnection {
    if (!caller.life.reaches('line')) return { send() {}, close() {} }
    const line: Line = { number: ++count, caller, listener, phase: 'opening', lastAt: 0 }
    lines.add(line)
    told(line, 'opening')
    caller.life.onDeath(() => end(line, BROKEN, 'closed'))
    scheduler.after(latencyMs(), () => caller.life.enter(() => line.phase === 'opening' && connect(line)))
    return {
      send({ type, at }) {
        if (line.phase === 'open' && type === 'ping' && caller.isOnline() && outage() === undefined)
          message(line, { type: 'pong', at })
      },
      close: () => end(line, CLOSED, 'left'),
    }
  }

  function lineOf(device: string): Line | undefined {
    return [...lines].find((line) => line.caller.device === device && line.phase === 'open')
  }

  return {
    channelOf: (caller) => (listener) => open(caller, listener),
    changed(effects) {
      for (const { entity, version } of effects)
        for (const line of lines) {
          if (line.phase !== 'open') continue
          const { laterMs, beside } = fateOf()
          for (const ms of laterMs) message(line, { type: 'changed', entity, cursor: `1:${version}` }, ms)
          for (const data of beside) message(line, data)
        }
    },
    silence(device) {
      const line = lineOf(device)
      if (line === undefined) return false
      line.phase = 'silent'
      told(line, 'silent')
      return true
    },
    close(device, info) {
      const line = lineOf(device)
      if (line === undefined) return false
      end(line, info, 'closed')
      return true
    },
  }
}
