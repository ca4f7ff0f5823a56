import type { Entry } from '../core/ports.ts'
import type { RowStorage } from './shaped-storage.ts'
import { OPERATIONS } from '../core/schema.ts'
import { PAGE_LIMIT } from './store.ts'

/** All live operations of each lane, head first. */
export async function wholeLanes(storage: RowStorage, lanes: readonly string[]): Promise<readonly (readonly Entry[])[]> {
  if (lanes.length === 0) return []
  const heads = await storage.scanMany(
    OPERATIONS,
    lanes.map((lane) => ({ index: 'lane', prefix: [lane], limit: PAGE_LIMIT })),
  )
  return Promise.all(heads.map((head, at) => wholeLane(storage, lanes[at] ?? '', head)))
}

async function wholeLane(storage: RowStorage, lane: string, head: readonly Entry[]): Promise<readonly Entry[]> {
  const all = [...head]
  for (let page = head; page.length === PAGE_LIMIT;) {
    const gt = page.at(-1)?.position ?? []
    page = await storage.scan(OPERATIONS, { index: 'lane', prefix: [lane], gt, limit: PAGE_LIMIT })
    all.push(...page)
  }
  return all
}
