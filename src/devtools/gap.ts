import { linesAcrossAlerts, type Traced, type TracedAlert } from '../core/trace-alerts.ts'
import { linesAcross, type TraceLine } from '../core/trace.ts'

/** What a listener has missed who could not take everything. */
export function createGap() {
  /** What was there before the first line that is missing. */
  let actors: readonly string[] = []
  let alerts: readonly TracedAlert[] = []
  let missing = 0

  return {
    /** Lines that are left out since it was closed. */
    missing: (): number => missing,
    /** Lines are left out; `before` is what those before them led to. */
    widen(before: Traced, lines: number): void {
      if (missing === 0) {
        actors = [...before.actors.keys()]
        alerts = [...before.alerts.values()]
      }
      missing += lines
    },
    /** What leads over it to `now`. */
    close(now: Traced, at: number, engine?: string): readonly TraceLine[] {
      if (missing === 0) return []
      const lines = [...linesAcross(actors, now.actors, at, missing, engine), ...linesAcrossAlerts(alerts, now.alerts, at)]
      actors = []
      alerts = []
      missing = 0
      return lines
    },
  }
}
