import type { Sent } from '../world/facts.ts'
import type { ServerResponse } from '../world/messages.ts'
import type { ModelServer } from '../world/model-server.ts'
import type { Fate } from '../world/network.ts'
import type { Choices } from '../world/tape.ts'
import { REQUEST_FAULTS, type RequestFault } from './kinds.ts'
import { drawRefusal, drawRetryAfter, responseOf } from './statuses.ts'
import type { Swarm } from './swarm.ts'

export interface RequestFaults {
  fateOf(request: Sent): Partial<Fate>
}

const GONE: ReadonlySet<number> = new Set([404, 410])
const PROBLEM = 'urn:synchart:problem:'

/** Hits requests one by one. What it says in the server's name is never a lie about an effect that was made. */
export function createRequestFaults(
  choices: Choices,
  swarm: Swarm,
  server: ModelServer,
  isOver: () => boolean,
  fired: (kind: RequestFault, where: string) => void,
): RequestFaults {
  const kinds = REQUEST_FAULTS.filter((kind) => swarm.kinds.has(kind))
  const [first, ...others] = kinds
  const sentKeys = new Set<string>()

  /** The API itself refuses: it can only for a key that it has never seen, and it remembers. */
  function refuseForGood(request: Sent, response: ServerResponse): Partial<Fate> {
    return { intercepted: server.keepAnswer(request, response) }
  }

  function fateOf(request: Sent): Partial<Fate> {
    const key = `${request.user} ${request.headers['Idempotency-Key'] ?? ''}`
    const isFirst = request.method !== 'GET' && request.path !== '/batch' && !sentKeys.has(key)
    sentKeys.add(key)
    if (first === undefined || isOver() || !choices.chance(swarm.requestRate)) return {}
    const kind = choices.pick([first, ...others])
    const fate = fateBy(kind, request, isFirst)
    if (fate === undefined) return {}
    fired(kind, `request ${request.number}`)
    return fate
  }

  function fateBy(kind: RequestFault, request: Sent, isFirst: boolean): Partial<Fate> | undefined {
    switch (kind) {
      case 'request-lost':
        return { lost: 'request' }
      case 'response-lost':
        return { lost: 'response' }
      case 'duplicated':
        return request.method === 'GET' ? undefined : { againMs: choices.whole(1, 20_000) }
      case 'overtaken':
        return { thereMs: choices.whole(200, 3_000) }
      case 'late':
        return choices.chance(0.5) ? { thereMs: choices.whole(4_000, 30_000) } : { backMs: choices.whole(4_000, 30_000) }
      case 'truncated':
        return { mangle: choices.chance(0.5) ? cutOff : () => incomplete() }
      case 'wrong-type':
        return { mangle: (response) => ({ ...response, headers: { ...response.headers, 'content-type': 'text/plain' } }) }
      case 'portal-page':
        return { intercepted: PORTAL_PAGE }
      case 'error-status':
        return refused(request, isFirst)
      case 'error-after-effect': {
        const response = responseOf(choices.pick([500, 502, 503, 504, 408]), drawRetryAfter(choices))
        return { mangle: () => response }
      }
      case 'in-progress':
        return request.method === 'GET'
          ? undefined
          : { intercepted: responseOf(409, drawRetryAfter(choices), `${PROBLEM}idempotency-in-progress`) }
      case 'key-reused':
        return isFirst ? refuseForGood(request, responseOf(422, undefined, `${PROBLEM}idempotency-key-reused`)) : undefined
    }
  }

  /** That something is gone which is there would be a lie as well: the deletion would count as done. */
  function refused(request: Sent, isFirst: boolean): Partial<Fate> | undefined {
    const { response, isDefinite } = drawRefusal(choices, isFirst)
    if (request.method === 'DELETE' && GONE.has(response.status)) return undefined
    return isDefinite ? refuseForGood(request, response) : { intercepted: response }
  }

  return { fateOf }
}

export const PORTAL_PAGE: ServerResponse = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<!doctype html><title>Log in to the network</title>',
}

export function cutOff(response: ServerResponse): ServerResponse {
  return { ...response, body: response.body.slice(0, response.body.length >> 1) }
}

/** As an HTTP client says that less came than was promised. */
export function incomplete(): Error {
  return Object.assign(new Error('the answer was cut off'), { code: 'ERR_BAD_RESPONSE' })
}
