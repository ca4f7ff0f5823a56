import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { HttpBindings } from '@hono/node-server'
import type { Random } from '../core/ports.ts'
import type { Answer } from './answer.ts'
import { drawFault, planFaults } from './faults.ts'
import type { Fault, FaultKind, FaultOptions, FaultPlan, FaultTarget } from './faults.ts'
import { problemAnswer } from './problems.ts'
import { seededRandom } from './random.ts'
import { toResponse } from './response.ts'

/** The Node side of a request; empty when the server is called as a function. */
export type Connection = Partial<HttpBindings>

/** Stands between the routes and the effect. */
export interface FaultGate {
  /** Runs `effect` and answers with what it gives, unless a fault comes in between. */
  pass(connection: Connection, target: () => FaultTarget, effect: () => Answer): Response | Promise<Response>
  /** From now on these faults, or none. The counts go on. */
  set(options: FaultOptions | undefined): void
  counts(): Readonly<Record<FaultKind, number>>
}

export function createFaultGate(options: FaultOptions | undefined, givenRandom: Random | undefined): FaultGate {
  const counts: Record<FaultKind, number> = {
    'drop-request': 0,
    'drop-response': 0,
    'too-many-requests': 0,
    unavailable: 0,
    'in-progress': 0,
    'precondition-failed': 0,
    delay: 0,
    malformed: 0,
    'error-after': 0,
  }
  let plan: FaultPlan | undefined
  let random: Random
  const set = (next: FaultOptions | undefined): void => {
    plan = next === undefined ? undefined : planFaults(next)
    random = givenRandom ?? seededRandom(next?.seed ?? 1)
  }
  set(options)

  return {
    pass(connection, target, effect) {
      const fault = plan === undefined ? undefined : drawFault(random, plan, target())
      if (fault === undefined) return toResponse(effect())
      counts[fault.kind] += 1
      return suffer(fault, connection, effect)
    },
    set,
    counts: () => ({ ...counts }),
  }
}

function suffer(fault: Fault, connection: Connection, effect: () => Answer): Response | Promise<Response> {
  const refusal = refuse(fault)
  if (refusal !== undefined) return toResponse(refusal)
  if (fault.kind === 'drop-request') return reset(connection)
  if (fault.kind === 'delay') return wait(fault.delayMs).then(() => toResponse(effect()))
  const answer = effect()
  if (fault.kind === 'drop-response') return reset(connection)
  if (fault.kind === 'error-after')
    return toResponse(problemAnswer('internal', 'The server failed while it answered. Try again with the same key.'))
  return fault.html ? htmlPage() : toResponse(cutOff(answer))
}

function refuse({ kind, retryAfterSeconds }: Fault): Answer | undefined {
  const later = { 'retry-after': String(retryAfterSeconds) }
  if (kind === 'too-many-requests') return problemAnswer(kind, 'Wait as Retry-After says.', later)
  if (kind === 'unavailable') return problemAnswer(kind, 'Wait as Retry-After says.', later)
  if (kind === 'in-progress') return problemAnswer('idempotency-in-progress', 'Send the same request again later.', later)
  return kind === 'precondition-failed' ? problemAnswer(kind, 'Fetch the resource and decide again.') : undefined
}

/** Ends the connection with RST, as a network does that breaks. Without a connection the caller gets a network error. */
function reset({ incoming }: Connection): Response {
  if (incoming === undefined) return Response.error()
  incoming.socket.resetAndDestroy()
  return RESPONSE_ALREADY_SENT
}

function cutOff({ body }: Answer): Answer {
  const text = body ?? '{"id":'
  return { status: 200, headers: { 'content-type': 'application/json' }, body: text.slice(0, Math.max(1, text.length >> 1)) }
}

function htmlPage(): Response {
  return new Response('<!doctype html><title>Sign in</title>', { status: 200, headers: { 'content-type': 'text/html' } })
}

function wait(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
