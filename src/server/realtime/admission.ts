import { authenticate, type Session } from '../authenticate.ts'
import type { ServerOptions, Settings } from '../options.ts'
import { Refusal } from '../problems.ts'
import type { Hub } from './hub.ts'
import type { Tickets } from './tickets.ts'

export interface Admission {
  readonly hub: Hub
  readonly tickets: Tickets
  readonly settings: Settings
  readonly options: ServerOptions
}

export interface Candidate {
  readonly origin?: string | undefined
  readonly authorization?: string | undefined
  readonly ticket: string | null
}

/** Who wants to listen, by a ticket or a bearer token. @throws Refusal 401, or 403 for a page that may not call this server. */
export function admit({ tickets, options }: Admission, { origin, authorization, ticket }: Candidate): Session {
  checkOrigin(origin, options.corsOrigins)
  return ticket === null ? authenticate(authorization, options.auth) : tickets.redeem(ticket)
}

/** CORS does not hold for WebSockets, so a page is known by its Origin alone. Who sends none is no browser. @throws Refusal 403. */
export function checkOrigin(origin: string | undefined, allowed: ServerOptions['corsOrigins']): void {
  if (origin === undefined || allowed === '*' || allowed?.includes(origin)) return
  throw new Refusal('origin-not-allowed', 'Pages of this origin may not listen here. Name it in corsOrigins.')
}
