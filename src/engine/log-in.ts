import type { Entry } from '../core/ports.ts'
import { INSTALL } from '../core/schema.ts'
import { without } from './parts.ts'
import type { Session } from './session.ts'

/** The user logs in, where nobody can log out. @throws SyncError `no-part` where an earlier log-out has left something to remove. */
export async function logInOnly(session: Session): Promise<Entry | undefined> {
  const { entry, row } = await session.begin(INSTALL)
  if (row?.stage === 'wiping') without('logOut')()
  session.opened(row)
  return entry
}
