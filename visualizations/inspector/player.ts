import type { History } from './history.ts'

/** Where nothing happens for longer than this, the rest of it is skipped: who waits would think that it hangs. */
const LONGEST_WAIT_MS = 1_000

/** Where in the history one is: at a line, or always at the newest. */
export function createPlayer(history: Pick<History, 'first' | 'end' | 'line' | 'time' | 'atTime'>, changed: () => void) {
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

  /** How long nothing happens after this line, if that is too long to wait for. */
  function gapAfter(line: number): number | undefined {
    const ms = line < history.end() - 1 ? history.time(line + 1) - history.time(line) : 0
    return ms > LONGEST_WAIT_MS * speed ? ms : undefined
  }

  return {
    position,
    isLive: (): boolean => at === undefined,
    isPlaying: (): boolean => playing !== undefined,
    /** The milliseconds without a line that are being cut short. */
    gap: (): number | undefined => (playing === undefined ? undefined : gapAfter(position())),
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
      const time = playing.time + (now - playing.since) * speed
      at = Math.max(position(), history.atTime(time))
      const hasWaited = time - history.time(at) >= LONGEST_WAIT_MS * speed
      if (hasWaited && gapAfter(at) !== undefined) {
        at += 1
        playing = { time: history.time(at), since: now }
      }
      if (at >= history.end() - 1) playing = undefined
      return true
    },
  }
}
