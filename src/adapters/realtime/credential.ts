import type { Clock } from '../../core/ports.ts'
import { createCredential, type Credentials } from '../http/auth.ts'
import type { RealtimeAuth } from './settings.ts'

export interface LineCredential {
  /** The token for the next line, renewed first if the last one was refused. @throws AuthenticationError */
  next(): Promise<string | undefined>
  /** The token of the last line was not taken. */
  refused(): void
}

const REFRESH_TIMEOUT_MS = 30_000

export function createLineCredential(clock: Pick<Clock, 'schedule'>, auth: RealtimeAuth | undefined): LineCredential {
  if (auth === undefined) return { next: async () => undefined, refused() {} }
  const credential = createCredential(clock, auth, REFRESH_TIMEOUT_MS)
  let last: Credentials | undefined
  let outdated: Credentials | undefined
  return {
    async next() {
      if (outdated !== undefined) await credential.renew(outdated)
      outdated = undefined
      last = await credential.current()
      return last.token
    },
    refused() {
      outdated = last
    },
  }
}
