import type { OperationRow, OperationStatus } from '../core/operation.ts'
import { createDrainSummary } from './drain-summary.ts'
import { PAGE_LIMIT, type Store } from './store.ts'
import type { DrainSummary } from './types.ts'

const IN_PLAY: readonly OperationStatus[] = ['queued', 'sending', 'reconciling', 'rollingBack']

/** What `flush()` means where another tab sends: waits until each of the first 1,000 live operations has ended or been put off there. */
export async function followDrain(
  store: Store,
  user: string,
  onChange: (listener: () => void) => () => void,
  held: readonly string[],
): Promise<DrainSummary> {
  const summary = createDrainSummary()
  let ids = (await store.live(user, PAGE_LIMIT, (status) => IN_PLAY.includes(status))).map((row) => row.id)
  while (ids.length > 0) {
    const changed = nextChange(onChange)
    const rows = (await Promise.all(ids.map((id) => store.byId(id)))).filter((row): row is OperationRow => row !== undefined)
    for (const row of rows) if (!IN_PLAY.includes(row.status)) summary.add(row)
    ids = rows.filter((row) => IN_PLAY.includes(row.status)).map((row) => row.id)
    if (ids.length > 0) await changed
  }
  return summary.take(held)
}

function nextChange(onChange: (listener: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    const stop = onChange(() => {
      stop()
      resolve()
    })
  })
}
