import type { ChangedMessage } from '../../core/channel-message.ts'

/** How a line is ended. */
export interface Farewell {
  readonly code: number
  readonly reason: string
  readonly retryAfterMs?: number
}

/** One line, whatever carries it. */
export interface Member {
  wants(entity: string): boolean
  push(message: ChangedMessage): void
  /** Asks for a sign of life, and ends the line if there was none since the last beat. */
  beat(): void
  end(farewell: Farewell): void
}

export interface HubParts {
  /** A cursor behind the newest change. */
  readonly cursorOf: (entity: string) => string
  /** Sends a push, unless a fault is to hit it. */
  readonly deliver: (send: () => void) => void
  readonly maxConnections: number
  readonly heartbeatMs: number
  /** What lines are told when the server stops. */
  readonly restartAfterMs: number
  /** Gets what the application's functions and the store throw. */
  readonly onError: (error: unknown) => void
}

/** Knows every line, and tells all of them of changes: once for each entity and turn, however many writes there were. */
export interface Hub {
  isFull(): boolean
  /** How many there are. */
  size(): number
  /** Returns the function that ends the membership. */
  join(member: Member): () => void
  changed(entity: string): void
  /** Says farewell to all; nobody can join after it. */
  close(): void
}

export const serverRestarts = (retryAfterMs: number): Farewell => ({
  code: 1012,
  reason: JSON.stringify({ retryAfterMs }),
  retryAfterMs,
})

export function createHub({ cursorOf, deliver, maxConnections, heartbeatMs, restartAfterMs, onError }: HubParts): Hub {
  const members = new Set<Member>()
  const dirty = new Set<string>()
  let limit = maxConnections
  let flushing: NodeJS.Immediate | undefined
  const attempt = (task: () => void): void => {
    try {
      task()
    } catch (error) {
      onError(error)
    }
  }

  const beat = (): void => [...members].forEach((member) => attempt(() => member.beat()))
  const beats = setInterval(beat, heartbeatMs).unref()

  const tell = (entity: string): void => {
    const message: ChangedMessage = { type: 'changed', entity, cursor: cursorOf(entity) }
    deliver(() => [...members].filter((member) => member.wants(entity)).forEach((member) => member.push(message)))
  }

  const flush = (): void => {
    flushing = undefined
    const entities = [...dirty]
    dirty.clear()
    if (members.size > 0) entities.forEach((entity) => attempt(() => tell(entity)))
  }

  return {
    isFull: () => members.size >= limit,
    size: () => members.size,
    join(member) {
      members.add(member)
      return () => void members.delete(member)
    },
    changed(entity) {
      dirty.add(entity)
      flushing ??= setImmediate(flush)
    },
    close() {
      limit = 0
      clearInterval(beats)
      clearImmediate(flushing)
      for (const member of [...members]) member.end(serverRestarts(restartAfterMs))
    },
  }
}
