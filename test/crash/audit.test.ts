import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { AUDIT } from '../../src/core/audit-collection.ts'
import { readAudit, type AuditEntry } from '../../src/core/audit.ts'
import { OPERATIONS, readOperation, STORE_SCHEMA } from '../../src/core/schema.ts'
import type { OperationRow } from '../../src/core/operation.ts'
import type { Entry, IndexKey, Storage } from '../../src/core/ports.ts'
import { createServer } from '../../src/server/index.ts'
import { finish, killAgainAndAgain, type Store } from './support.ts'

const KILLS = 16

async function all(storage: Storage, collection: string): Promise<readonly Entry[]> {
  const found: Entry[] = []
  for (let gt: IndexKey = [0]; ;) {
    const page = await storage.scan(collection, { gt, limit: 1_000 })
    found.push(...page)
    gt = page.at(-1)?.position ?? gt
    if (page.length < 1_000) return found
  }
}

async function heldIn(path: string): Promise<{ entries: readonly AuditEntry[]; operations: readonly OperationRow[] }> {
  const storage = sqliteStorage({ path })
  await storage.open(STORE_SCHEMA)
  const [entries, operations] = [await all(storage, AUDIT), await all(storage, OPERATIONS)]
  await storage.close()
  return { entries: entries.map((entry) => readAudit(entry)!), operations: operations.map((entry) => readOperation(entry)!) }
}

it('S26 engines that are killed at any instant leave an audit without a gap, in which each operation begins and ends once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'synchart-audit-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const server = await createServer({})
  onTestFinished(() => server.close())
  const { url } = await server.listen()
  const store: Store = { name: 'one', path: join(folder, 'one.db'), acknowledged: new Set() }
  await killAgainAndAgain(store, url, 'a', KILLS)
  expect(await finish(store, url)).toEqual([])

  const { entries, operations } = await heldIn(store.path)
  expect(operations.length).toBeGreaterThan(50)
  expect(entries.map(({ number }) => number)).toEqual(entries.map((_, at) => at + 1))
  const told = (action: AuditEntry['action']): ReadonlySet<string> =>
    new Set(entries.filter((entry) => entry.action === action).map(({ operation, outcome }) => `${operation} ${outcome}`))
  expect(entries).toHaveLength(2 * operations.length)
  expect(told('enqueued')).toEqual(new Set(operations.map(({ id }) => `${id} queued`)))
  expect(told('ended')).toEqual(new Set(operations.map(({ id, status }) => `${id} ${status}`)))
}, 120_000)
