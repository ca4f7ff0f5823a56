import type { ServerOptions } from './options.ts'
import { Refusal } from './problems.ts'

type Auth = ServerOptions['auth']

/** Whose connection it is, as long as the token behind it is taken. */
export interface Session {
  readonly user: string
  isValid(): boolean
}

/** From an `Authorization` header. @throws Refusal 401. */
export function authenticate(authorization: string | undefined, auth: Auth): Session {
  if (auth === undefined) return { user: 'anonymous', isValid: () => true }
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization ?? '')?.[1]
  const user = token === undefined ? undefined : auth.users(token)
  if (token === undefined || user === undefined) throw unauthorized('Send a valid token as Authorization: Bearer <token>.')
  return { user, isValid: () => auth.users(token) === user }
}

export function unauthorized(detail: string): Refusal {
  return new Refusal('unauthorized', detail, { 'www-authenticate': 'Bearer' })
}
