import { statSync } from 'node:fs'
import { printJson, table, type Io } from './io.ts'
import { keptStatistics, statisticsLines } from './kept-statistics.ts'
import { describeOperation } from './operation-text.ts'
import { describeLease, leaseOf, withStore } from './store-file.ts'
import { tally } from './tally.ts'

/** What a store holds and who drains it. Only looks. Returns the exit code. */
export async function status(file: string, { json }: { readonly json: boolean }, io: Io): Promise<number> {
  const { lease, held, statistics } = await withStore(file, async (storage) => ({
    lease: await leaseOf(storage),
    held: await tally(storage),
    statistics: await keptStatistics(storage),
  }))
  const { firstLive: _firstLive, oldestLive, rejected, parked, byStatus, ...counts } = held
  if (json) {
    printJson(io, {
      store: file,
      bytes: statSync(file).size,
      lease,
      ...counts,
      byStatus,
      oldestLive: oldestLive ?? null,
      rejected,
      parked,
      statistics,
    })
    return 0
  }
  const listed = Object.entries(byStatus).filter(([name, count]) => count > 0 || name === 'done')
  io.out(
    table([
      ['store', file],
      ['lease', describeLease(lease)],
      ['operations', counts.operations],
      ...listed,
      ...(counts.unreadable > 0 ? [['unreadable', counts.unreadable] satisfies [string, number]] : []),
      ['requests', counts.attempts],
      ['oldest live', oldestLive === undefined ? 'none' : `${oldestLive.status}: ${describeOperation(oldestLive)}`],
    ]),
  )
  for (const one of statistics) io.out(`\n${statisticsLines(one).join('\n')}\n`)
  for (const [title, list] of [
    ['dead letters', rejected],
    ['parked', parked],
  ] as const) {
    if (list.length === 0) continue
    io.out(`\n${title}:\n${list.map((operation) => `  ${describeOperation(operation)}\n`).join('')}`)
  }
  if (rejected.length + parked.length > 0) io.out(`Look at one with: synchart explain ${file} <id>\n`)
  return 0
}
