import { randomBytes } from 'node:crypto'
import { unauthorized, type Session } from '../authenticate.ts'
import { Refusal } from '../problems.ts'

/** A browser can't send a header with a WebSocket: a ticket in the URL, of use once and for a short time, stands for it. */
export interface Tickets {
  /** @throws Refusal 503 if too many are out. */
  issue(session: Session): string
  /** @throws Refusal 401 if it is unknown, used or too old, or its token is no longer taken. */
  redeem(ticket: string): Session
}

const maxOutstanding = 10_000

export function createTickets(now: () => number, ttlMs: number): Tickets {
  /** In the order in which they expire. */
  const issued = new Map<string, { readonly session: Session; readonly expiresAtMs: number }>()

  const forgetExpired = (): void => {
    for (const [ticket, { expiresAtMs }] of issued) {
      if (expiresAtMs > now()) return
      issued.delete(ticket)
    }
  }

  return {
    issue(session) {
      forgetExpired()
      if (issued.size >= maxOutstanding)
        throw new Refusal('unavailable', 'Too many tickets wait for their use.', {
          'retry-after': String(Math.ceil(ttlMs / 1000)),
        })
      const ticket = randomBytes(32).toString('base64url')
      issued.set(ticket, { session, expiresAtMs: now() + ttlMs })
      return ticket
    },
    redeem(ticket) {
      const found = issued.get(ticket)
      issued.delete(ticket)
      if (found !== undefined && found.expiresAtMs > now() && found.session.isValid()) return found.session
      throw unauthorized('The ticket is unknown, used or too old. Get a new one from POST /realtime/ticket.')
    },
  }
}
