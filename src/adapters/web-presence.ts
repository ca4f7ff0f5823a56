import type { Presence } from '../core/ports.ts'

const PREFIX = 'web-lock:'

/**
 * Presence by Web Locks: the browser frees a holder's lock when its page or worker ends, however it ends.
 * Undefined where there are no Web Locks (they need a secure context).
 */
export function webPresence(): Presence | undefined {
  const locks = globalThis.navigator?.locks
  if (!locks) return undefined
  return { announce: () => announce(locks), whenGone: (holder, signal) => whenGone(locks, holder, signal) }
}

async function announce(locks: LockManager): Promise<{ readonly holder: string; release(): Promise<void> }> {
  const id = crypto.randomUUID()
  let letGo = (): void => {}
  const released = new Promise<void>((resolve) => (letGo = resolve))
  let ended: Promise<unknown> = released
  await new Promise<void>((granted, refused) => {
    ended = locks.request(lockOf(id), () => {
      granted()
      return released
    })
    ended.catch(refused)
  })
  const release = async (): Promise<void> => {
    letGo()
    await ended
  }
  return { holder: PREFIX + id, release }
}

/** Stays open for a holder that was not announced here, which can't be known to be gone, and once the signal has ended it. */
function whenGone(locks: LockManager, holder: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (!holder.startsWith(PREFIX) || signal.aborted) return
    const lock = lockOf(holder.slice(PREFIX.length))
    locks.request(lock, { mode: 'shared', signal }, () => resolve()).catch(() => {})
  })
}

function lockOf(id: string): string {
  return `synchart:holder:${id}`
}
