import type { Presence } from '../core/ports.ts'
import { watchLifecycle } from './web-lifecycle.ts'

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

/** A page that is frozen or put into the back/forward cache can't act: it lets go, so that another takes over, and is present again when it goes on. */
async function announce(locks: LockManager): Promise<{ readonly holder: string; release(): Promise<void> }> {
  const id = crypto.randomUUID()
  let held = hold(locks, lockOf(id))
  await held.granted
  const unwatch = watchLifecycle({
    suspended: () => held.letGo(),
    resumed() {
      held.letGo()
      held = hold(locks, lockOf(id))
    },
  })
  const release = async (): Promise<void> => {
    unwatch()
    held.letGo()
    await held.ended
  }
  return { holder: PREFIX + id, release }
}

interface Held {
  readonly granted: Promise<void>
  /** Whatever became of it. */
  readonly ended: Promise<void>
  letGo(): void
}

function hold(locks: LockManager, name: string): Held {
  const { promise: released, resolve: letGo } = deferred()
  const { promise: given, resolve: grant } = deferred()
  const request = locks.request(name, () => {
    grant()
    return released
  })
  const granted = Promise.race([given, request])
  granted.catch(() => {})
  return { granted, ended: request.catch(() => {}), letGo }
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
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
