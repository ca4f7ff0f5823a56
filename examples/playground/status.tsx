import type { ReactElement } from 'react'
import { useDeadLetters, useProgress, useRealtime, useSyncEngine, useSyncStatus } from 'synchart/react'
import { attempt } from './attempt.ts'

/** Whether all is well, in one line. */
export function StatusIndicator(): ReactElement {
  const { phase, isOnline, pending, conflicts, deadLetters } = useSyncStatus()
  const { phase: line, latencyMs } = useRealtime()
  const { phase: progress, percentage } = useProgress()
  const engine = useSyncEngine()
  const parts = [
    pending > 0 && `${pending} waiting`,
    conflicts > 0 && `${conflicts} to decide`,
    deadLetters > 0 && `${deadLetters} refused`,
    progress !== 'idle' && `${progress}${percentage === undefined ? '' : ` ${Math.round(percentage)} %`}`,
    line === 'connected' && `live${latencyMs === undefined ? '' : `, ${Math.round(latencyMs)} ms`}`,
    phase === 'following' && 'another tab sends',
  ].filter((part) => part !== false)
  return (
    <div className="indicator" role="status">
      <span className={isOnline ? 'dot online' : 'dot offline'} />
      {isOnline ? 'online' : 'offline'}
      {parts.length > 0 && ` · ${parts.join(' · ')}`}
      <button onClick={() => attempt(engine.synchronize())}>Synchronise</button>
    </div>
  )
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

/** What the server refused for good: to be sent again, or given up. */
export function DeadLetters(): ReactElement | null {
  const { operations } = useSyncEngine()
  const letters = useDeadLetters()
  if (letters.length === 0) return null
  return (
    <section className="letters" aria-label="Refused">
      <h2>Refused</h2>
      {letters.map(({ id, type, entityId, lastError }) => (
        <article key={id} className="card">
          <p>
            {type} of {entityId.slice(0, 8)}: {lastError?.message}
          </p>
          <footer>
            <button onClick={() => attempt(operations.retry(id))}>Send again</button>
            <button onClick={() => attempt(operations.discard(id))}>Give up</button>
          </footer>
        </article>
      ))}
    </section>
  )
}
