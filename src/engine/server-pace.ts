import type { EngineActor } from '../../machines/engine.ts'
import type { Clock, ServerWishes } from '../core/ports.ts'
import { clampWishes } from '../core/server-wishes.ts'
import { SERVER_PAUSE } from './own-pauses.ts'

export type ServerPace = ReturnType<typeof createServerPace>

/** What the server's answers asked of this engine: how often it polls, how much it sends at once, and when it is to be left alone. */
export function createServerPace(clock: Clock, machine: () => EngineActor | undefined) {
  let pausedUntil = -Infinity
  let minPollMs = 0
  let maxBatch = Infinity
  let cancel: (() => void) | undefined
  /** The machine has not been told of the pause. */
  let isUntold = false
  /** Pages that are being asked for and taken. */
  let taking = 0
  /** By the name of a pull: when it last came to an end. */
  const ended = new Map<string, number>()

  function holdUntil(at: number, mayWait: boolean): void {
    pausedUntil = at
    cancel?.()
    isUntold = true
    if (!mayWait || taking === 0) hold()
    cancel = clock.schedule(look, at - clock.monotonic())
  }

  function hold(): void {
    if (isUntold) machine()?.send({ type: 'PAUSE', reason: SERVER_PAUSE })
    isUntold = false
  }

  /** A timer may be a little early. */
  function look(): void {
    if (pausedMs() > 0) cancel = clock.schedule(look, Math.max(1, pausedMs()))
    else release()
  }

  function pausedMs(): number {
    return Math.max(0, pausedUntil - clock.monotonic())
  }

  function release(): void {
    cancel?.()
    cancel = undefined
    isUntold = false
    machine()?.send({ type: 'RESUME', reason: SERVER_PAUSE })
  }

  return {
    /** Nothing more leaves in a pause. `isRead`: who takes what the answer brings is held only then, or it would be lost, each time. */
    heed(answers: readonly { readonly wishes?: ServerWishes | undefined }[], isRead = false): void {
      for (const { wishes } of answers) {
        if (wishes === undefined) continue
        const wished = clampWishes(wishes)
        minPollMs = wished.minPollMs ?? minPollMs
        maxBatch = wished.maxBatch ?? maxBatch
        const until = clock.monotonic() + (wished.pauseMs ?? 0)
        if (wished.pauseMs !== undefined && wished.pauseMs > 0 && until > pausedUntil) holdUntil(until, isRead)
      }
    },
    taking(): void {
      taking += 1
    },
    taken(): void {
      taking -= 1
      hold()
    },
    /** Until the server may be asked again; 0 if it may now. */
    pausedMs,
    /** The most operations in one request. */
    maxBatch: (): number => maxBatch,
    /** The least rest between two polls. */
    minPollMs: (): number => minPollMs,
    polled(name: string): void {
      ended.set(name, clock.monotonic())
    },
    /** How much too soon it is to begin this pull; 0 if it is not. */
    tooSoonMs(name: string): number {
      const last = ended.get(name)
      return last === undefined ? 0 : Math.max(0, last + minPollMs - clock.monotonic())
    },
    opened(): void {
      if (pausedMs() > 0) holdUntil(pausedUntil, false)
    },
    closing: release,
  }
}
