import type { History } from './history.ts'

/** Where in the history one is: at a line, or always at the newest. */
export function createPlayer(history: History, changed: () => void) {
  /** Undefined: at the newest. */
  let at: number | undefined
  let speed = 1
  /** While it plays: the trace's time, and when that was. */
  let playing: { readonly time: number; readonly since: number } | undefined

  function clamped(line: number): number {
    return Math.min(Math.max(line, history.first()), Math.max(history.first(), history.end() - 1))
  }

  function position(): number {
    return at === undefined ? history.end() - 1 : clamped(at)
  }

  function go(line: number): void {
    playing = undefined
    at = clamped(line)
    changed()
  }

  /** The next line in this direction at which a machine took a transition. */
  function toStep(direction: 1 | -1): void {
    let line = position() + direction
    while (line > history.first() && line < history.end() - 1 && history.line(line)?.type !== 'step') line += direction
    go(line)
  }

  return {
    position,
    isLive: (): boolean => at === undefined,
    isPlaying: (): boolean => playing !== undefined,
    go,
    step: (by: number): void => go(position() + by),
    toStep,
    live(): void {
      playing = undefined
      at = undefined
      changed()
    },
    setSpeed(next: number, now: number): void {
      speed = next
      if (playing !== undefined) playing = { time: history.time(position()), since: now }
    },
    /** Plays on, from the beginning where it stands at the end; or pauses. */
    toggle(now: number): void {
      if (playing !== undefined) {
        playing = undefined
      } else {
        at = position() >= history.end() - 1 ? history.first() : position()
        playing = { time: history.time(at), since: now }
      }
      changed()
    },
    /** Moves on to where it is at this time. True while there is something to come. */
    tick(now: number): boolean {
      if (playing === undefined) return false
      const next = history.atTime(playing.time + (now - playing.since) * speed)
      at = Math.max(position(), next)
      if (at >= history.end() - 1) playing = undefined
      return true
    },
  }
}
