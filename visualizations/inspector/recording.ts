import type { TraceLine } from '../../src/core/trace.ts'
import { createBands } from './bands.ts'
import { createHistory, type HistoryOptions } from './history.ts'
import { createRates } from './rates.ts'
import { createMatches } from './search.ts'

export type Recording = ReturnType<typeof createRecording>

/** What was told, and what was counted of it. */
export function createRecording(options?: HistoryOptions) {
  const history = createHistory(options)
  const rates = createRates()
  const bands = createBands()
  return {
    history,
    rates,
    bands,
    matches: createMatches(history),
    add(lines: readonly TraceLine[]): void {
      for (const line of lines) {
        history.append(line)
        rates.add(line)
        bands.add(line)
      }
    },
  }
}
