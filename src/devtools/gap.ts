import { linesAcross, type TracedActors, type TraceLine } from '../core/trace.ts'

/** What a listener has missed who could not take everything. */
export function createGap() {
  /** Who was there before the first line that is missing. */
  let known: readonly string[] = []
  let missing = 0

  return {
    /** Lines that are left out since it was closed. */
    missing: (): number => missing,
    /** Lines are left out; `actors` are those before them. */
    widen(actors: TracedActors, lines: number): void {
      if (missing === 0) known = [...actors.keys()]
      missing += lines
    },
    /** What leads over it; `actors` are those of now. */
    close(actors: TracedActors, at: number, engine?: string): readonly TraceLine[] {
      const lines = missing === 0 ? [] : linesAcross(known, actors, at, missing, engine)
      known = []
      missing = 0
      return lines
    },
  }
}
