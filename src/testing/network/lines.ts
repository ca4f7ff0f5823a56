import type { ChannelClosed, OpenChannel } from '../../core/channel-port.ts'
import { ValidationError } from '../../core/errors.ts'
import { count, text } from '../../core/option-checks.ts'
import { isRecord } from '../../core/schema.ts'
import { checkFields, checkMs } from '../check.ts'
import type { SimulatedServer } from '../server.ts'
import type { Link } from '../world/connectivity.ts'
import type { Life } from '../world/life.ts'
import { createLines, type Lines } from '../world/lines.ts'
import type { Scheduler } from '../world/scheduler.ts'

/** How a server ends a line. */
export interface LineEnd {
  /** As in RFC 6455 §7.4. Default 1012: it restarts. */
  readonly code?: number
  readonly reason?: string
  /** How long it asks to stay away. Default: it asks for nothing. */
  readonly retryAfterMs?: number
}

export interface LinesSurroundings {
  readonly scheduler: Pick<Scheduler, 'now' | 'after'>
  readonly link: Link
  readonly life: Life
  latencyMs(): number
}

const RESTARTS = 1012

/** The realtime lines of one network. They take no credentials, and carry hints of everybody's changes. */
export function createNetworkLines({ scheduler, link, life, latencyMs }: LinesSurroundings) {
  const caller = { tab: '', device: '', user: '', life, isOnline: link.isOnline }
  const all = new Map<SimulatedServer, Lines>()

  function linesTo(server: SimulatedServer): Lines {
    const lines = createLines({
      scheduler,
      tell: () => {},
      latencyMs,
      outage: () => (link.isCaptive() ? 'refusing' : undefined),
      fateOf: () => ({ laterMs: [0], beside: [] }),
    })
    all.set(server, lines)
    server.watch((effect) => lines.changed([effect]))
    return lines
  }

  function ofEach(change: (lines: Lines) => boolean): void {
    for (const lines of all.values()) while (change(lines));
  }

  return {
    channel(server: SimulatedServer): OpenChannel {
      if (!isRecord(server) || typeof server['watch'] !== 'function')
        throw new ValidationError('server', 'must be what createSimulatedServer() gives.')
      return (all.get(server) ?? linesTo(server)).channelOf(caller)
    },
    closeLines(end: LineEnd = {}): void {
      const info = closedAs(end)
      ofEach((lines) => lines.close(caller.device, info))
    },
    silenceLines(): void {
      ofEach((lines) => lines.silence(caller.device))
    },
  }
}

/** @throws ValidationError that names what is wrong */
function closedAs(end: LineEnd): ChannelClosed {
  checkFields('end', end, ['code', 'reason', 'retryAfterMs'])
  const { code = RESTARTS, reason = '', retryAfterMs } = end
  count('end.code', code, 1_000, 4_999)
  text('end.reason', reason, 'what the server says of it')
  if (retryAfterMs === undefined) return { code, reason }
  checkMs('end.retryAfterMs', retryAfterMs)
  return { code, reason, retryAfterMs }
}
