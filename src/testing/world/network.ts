import type { OutgoingRequest, Wire } from '../../adapters/http/wire.ts'
import type { ServerWishes } from '../../core/ports.ts'
import type { Sent, SentWrite, Tell } from './facts.ts'
import { never, type Life } from './life.ts'
import { keyOf, writesIn, type ServerRequest, type ServerResponse } from './messages.ts'
import type { Effect, ModelServer } from './model-server.ts'
import type { Scheduler } from './scheduler.ts'
import { aborted, travel, unreachable, type Fate } from './travel.ts'

export const BASE_URL = 'http://server.test'

export type { Fate }

export interface NetworkSurroundings {
  readonly scheduler: Scheduler
  readonly server: ModelServer
  readonly tell: Tell
  /** The server has changed something. */
  changed(effects: readonly Effect[]): void
  fateOf(request: Sent): Fate
}

export interface Caller {
  readonly tab: string
  readonly device: string
  readonly user: string
  readonly life: Life
  isOnline(): boolean
}

/** Carries requests to the model server and answers back. A request that has left goes its way, whatever becomes of its sender. */
export interface Network {
  wireOf(caller: Caller): Wire
}

export function createNetwork({ scheduler, server, tell, changed, fateOf }: NetworkSurroundings): Network {
  let count = 0

  function serve(request: Sent): ServerResponse {
    const { response, ...served } = server.handle(request)
    tell({ type: 'served', request, status: response.status, ...served })
    changed(served.effects)
    return { ...response, headers: { ...response.headers, ...server.wishes } }
  }

  return {
    wireOf: (caller) => (outgoing) => {
      if (!caller.life.reaches('network')) return never()
      const { tab, device, user } = caller
      if (!caller.isOnline()) {
        tell({ type: 'unsent', tab })
        return Promise.reject(unreachable())
      }
      const content = contentOf(outgoing)
      const request: Sent = { ...content, number: ++count, tab, device, user, writes: keyed(content) }
      tell({ type: 'sent', request })
      return new Promise((resolve, reject) => {
        outgoing.signal.addEventListener('abort', () => reject(aborted()))
        const serveOn = (answered: (answer: ServerResponse) => void): void => answered(serve(request))
        travel({ after: scheduler.after, serve: serveOn }, fateOf(request), (answer) => {
          if (outgoing.signal.aborted || !caller.life.reaches('network')) return
          caller.life.enter(() => {
            if (outgoing.signal.aborted) return
            const code = answer instanceof Error ? answer.message : String(answer.status)
            tell({
              type: 'answered',
              request,
              answer: code,
              retryAfter: answer instanceof Error ? undefined : answer.headers['retry-after'],
              wishes: answer instanceof Error ? undefined : wishesIn(answer),
            })
            if (answer instanceof Error) reject(answer)
            else resolve({ status: answer.status, headers: answer.headers, data: answer.body })
          })
        })
      })
    },
  }
}

/** Told once more, so that the product is not its own judge; all of it is well-formed here. */
function wishesIn({ headers }: ServerResponse): ServerWishes | undefined {
  const [pause, poll, batch] = ['pause', 'min-poll', 'max-batch'].map((name) => headers[`synchart-${name}`])
  if (pause === undefined && poll === undefined && batch === undefined) return undefined
  return {
    ...(pause === undefined ? {} : { pauseMs: 1_000 * Number(pause) }),
    ...(poll === undefined ? {} : { minPollMs: 1_000 * Number(poll) }),
    ...(batch === undefined ? {} : { maxBatch: Number(batch) }),
  }
}

function keyed(request: ServerRequest): SentWrite[] {
  return writesIn(request).map((write) => ({ ...write, key: keyOf(write) ?? '' }))
}

function contentOf({ url, method, headers, body }: OutgoingRequest): ServerRequest {
  return { method, path: url.slice(BASE_URL.length), headers, body }
}
