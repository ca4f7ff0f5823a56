import type { ReactElement, ReactNode } from 'react'
import type { SyncEngine } from 'synchart'
import { useProgress, useRealtime, useSyncEngine, useSyncStatus } from 'synchart/react'
import { attempt } from './attempt.ts'
import { useRefused } from './refused.tsx'

/** Whether all is well, in one line. */
export function StatusIndicator({ onConflicts }: { readonly onConflicts: () => void }): ReactElement {
  const { phase, isOnline, pending, conflicts } = useSyncStatus()
  const { phase: line, latencyMs } = useRealtime()
  const { phase: progress, percentage } = useProgress()
  const refused = useRefused()
  const engine = useSyncEngine()
  const waiting = pending - conflicts - refused.filter(({ status }) => status === 'parked').length
  return (
    <div className="indicator" role="status">
      <span className={isOnline ? 'dot online' : 'dot offline'} />
      <ul>
        <li>{isOnline ? 'online' : 'offline'}</li>
        <Part shown={waiting > 0}>{waiting} waiting</Part>
        <Part shown={conflicts > 0}>
          <a href="#conflicts" onClick={onConflicts}>
            {conflicts} {conflicts === 1 ? 'conflict' : 'conflicts'}
          </a>
        </Part>
        <Part shown={refused.length > 0}>
          <a href="#refused">{refused.length} refused</a>
        </Part>
        <Part shown={progress !== 'idle'}>
          {progress} {percentage !== undefined && `${Math.round(percentage)} %`}
        </Part>
        <Part shown={line === 'connected'}>live{latencyMs !== undefined && `, ${Math.round(latencyMs)} ms`}</Part>
        <Part shown={phase === 'following'}>another tab sends</Part>
      </ul>
      <button
        title="Send and pull now, and try at once what waits for its next attempt"
        onClick={() => attempt(synchronizeNow(engine))}
      >
        Synchronise
      </button>
    </div>
  )
}

function Part({ shown, children }: { readonly shown: boolean; readonly children: ReactNode }): ReactElement | null {
  return shown ? <li>{children}</li> : null
}

/** What waits for its next attempt would not be due. */
async function synchronizeNow(engine: SyncEngine): Promise<void> {
  const waiting = await engine.operations.list({ status: 'waiting' })
  // One that has ended meanwhile needs none.
  await Promise.allSettled(waiting.map(({ id }) => engine.operations.retry(id)))
  await engine.synchronize()
}

export function OfflineNotice(): ReactElement | null {
  const { isOnline, pending } = useSyncStatus()
  if (isOnline) return null
  return (
    <p className="notice" role="alert">
      You are offline. What you change is kept on this device{pending > 0 ? ` (${pending} so far)` : ''}, and sent when you are
      back.
    </p>
  )
}
