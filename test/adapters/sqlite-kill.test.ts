import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import type { StoreSchema } from '../../src/core/ports.ts'
import { readAll } from './storage-world.ts'
import { temporaryFolder } from './support/sqlite-world.ts'
import { startWorker } from './support/workers.ts'

const schema: StoreSchema = {
  version: 1,
  collections: {
    rows: {
      key: 'seq',
      autoIncrement: true,
      indexes: { byBatch: { fields: ['batch', 'seq'] }, byName: { fields: ['name'], unique: true } },
    },
  },
}

const rowsPerBatch = 20
const killsPerFile = 30

/** Lets a process commit until it has acknowledged `acknowledgements` batches, and then kills it in the midst of what it does next. */
async function commitUntilKilled(path: string, firstBatch: number, acknowledgements: number): Promise<number[]> {
  const worker = startWorker('commit-batches', path, String(firstBatch))
  const acknowledged: number[] = []
  for await (const line of worker.lines()) {
    acknowledged.push(Number(line))
    if (acknowledged.length === acknowledgements) void after(Math.random() * 2).then(() => worker.process.kill('SIGKILL'))
  }
  expect(await worker.ended, worker.complaints()).toBe('SIGKILL')
  return acknowledged
}

/** Kills it at some instant while it opens the file, recovers the log, or writes its first batches. */
async function killEarly(path: string, firstBatch: number): Promise<number[]> {
  const worker = startWorker('commit-batches', path, String(firstBatch))
  void after(40 + Math.random() * 160).then(() => worker.process.kill('SIGKILL'))
  const acknowledged: number[] = []
  for await (const line of worker.lines()) acknowledged.push(Number(line))
  expect(await worker.ended, worker.complaints()).toBe('SIGKILL')
  return acknowledged
}

/** How many rows of each batch are there, as another process finds them, in the rows themselves and in an index. */
async function batchesIn(path: string): Promise<Map<number, number>> {
  const storage = sqliteStorage({ path })
  await storage.open(schema)
  const counts = new Map<number, number>()
  for (const { value } of await readAll(storage, 'rows')) {
    const { batch } = value as { batch: number }
    counts.set(batch, (counts.get(batch) ?? 0) + 1)
  }
  const last = Math.max(0, ...counts.keys())
  const indexed = await storage.scan('rows', { index: 'byBatch', prefix: [last], limit: 1000 })
  expect(indexed).toHaveLength(counts.get(last) ?? 0)
  await storage.close()
  return counts
}

async function killAgainAndAgain(path: string): Promise<number> {
  const acknowledged = new Set<number>()
  let next = 1
  for (let kill = 0; kill < killsPerFile; kill++) {
    const early = kill % 5 === 4
    const news = await (early ? killEarly(path, next) : commitUntilKilled(path, next, 1 + Math.floor(Math.random() * 12)))
    for (const batch of news) acknowledged.add(batch)
    const found = await batchesIn(path)
    expect(
      [...acknowledged].filter((batch) => !found.has(batch)),
      'acknowledged and lost',
    ).toEqual([])
    expect(
      [...found].filter(([, rows]) => rows !== rowsPerBatch),
      'there in part',
    ).toEqual([])
    next = Math.max(0, ...found.keys()) + 1
  }
  return acknowledged.size
}

it('S1 S2 of 60 processes killed while they commit, none loses a batch that it acknowledged or leaves one in part', async () => {
  const folder = temporaryFolder()
  const acknowledged = await Promise.all(['one.db', 'two.db'].map((name) => killAgainAndAgain(join(folder.path, name))))
  folder.remove()
  expect(Math.min(...acknowledged)).toBeGreaterThanOrEqual(killsPerFile * 0.8)
}, 120_000)
