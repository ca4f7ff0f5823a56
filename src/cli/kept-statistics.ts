import { readStatistics, statisticsUser, type Statistics } from '../core/statistics.ts'
import { percentile } from '../core/histogram.ts'
import type { Storage } from '../core/ports.ts'
import { META } from '../core/schema.ts'
import { visibleText } from '../core/visible-text.ts'
import { PAGE_LIMIT } from '../engine/store.ts'
import { grouped, instant } from './io.ts'

export interface UserStatistics extends Statistics {
  readonly user: string
}

/** What engines on this store have counted, by user. */
export async function keptStatistics(storage: Storage): Promise<readonly UserStatistics[]> {
  const entries = await storage.scan(META, { gt: ['statistics/'], lt: ['statistics0'], limit: PAGE_LIMIT })
  return entries.flatMap((entry) => {
    const row = readStatistics(entry)
    const user = statisticsUser(String(entry.key))
    if (row === undefined || user === undefined) return []
    const { name: _name, rev: _rev, added: _added, ...statistics } = row
    return [{ user, ...statistics }]
  })
}

/** One line for each thing that was counted at all. */
export function statisticsLines({ user, since, latencyMs, ...counts }: UserStatistics): readonly string[] {
  const counted = Object.entries(counts).filter(([, count]) => count > 0)
  const times = [0.5, 0.95, 0.99].map((share) => `p${100 * share} ${Math.round(percentile(latencyMs, share))} ms`)
  return [
    `counted for user ${visibleText(user)} since ${instant(since)}:`,
    ...counted.map(([name, count]) => `  ${wordsOf(name).padEnd(18)} ${grouped(count)}`),
    ...(latencyMs.count === 0 ? [] : [`  ${'latency'.padEnd(18)} ${times.join(', ')}`]),
  ]
}

function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
