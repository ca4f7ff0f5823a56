import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDriver } from '../../src/adapters/sqlite/driver.ts'
import type { Driver } from '../../src/adapters/sqlite/driver.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { lowerBound, upperBound } from '../../src/adapters/sqlite/range.ts'
import { scanTexts } from '../../src/adapters/sqlite/scan-sql.ts'
import { createTable } from '../../src/adapters/sqlite/table.ts'
import { StorageBlockedError, StorageClosedError, StorageNewerError, ValidationError } from '../../src/core/errors.ts'
import type { IndexKey, Scalar, ScanQuery, Storage, Write } from '../../src/core/ports.ts'
import { keysOf, laterSchema, schema } from './storage-world.ts'
import { temporaryFolder } from './support/sqlite-world.ts'
import type { Folder } from './support/sqlite-world.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })
const append = (value: object): Write => ({ type: 'append', collection: 'operations', value })

describe('SQLite', () => {
  let folder: Folder
  let path: string
  let storage: Storage
  let other: Driver
  beforeEach(async () => {
    folder = temporaryFolder()
    path = join(folder.path, 'store.db')
    storage = sqliteStorage({ path, busyTimeoutMs: 60, watchMs: 10 })
    await storage.open(schema)
    other = await openDriver(path)
  })
  afterEach(async () => {
    await storage.close()
    await other.close()
    folder.remove()
  })

  it('C6 seeks to where a scan starts and sorts nothing, whatever the query', () => {
    const scans: [string, ScanQuery][] = [
      ['operations', { limit: 9 }],
      ['operations', { gt: [5], limit: 9, reverse: true }],
      ['operations', { index: 'byId', prefix: ['x'], limit: 9 }],
      ['operations', { index: 'byLane', prefix: ['x'], gt: ['x', 5], limit: 9 }],
      ['operations', { index: 'byLane', gt: ['x', 5], limit: 9 }],
      ['operations', { index: 'byDue', prefix: ['x'], gt: ['x', 1, 5], lt: ['x', 3], limit: 9 }],
      ['operations', { index: 'byDue', prefix: ['x'], lt: ['x', 1, 5], limit: 9, reverse: true }],
      ['operations', { index: 'byDue', gt: ['x', 1, 5], limit: 9 }],
      ['notes', { gt: ['x'], limit: 9 }],
      ['notes', { index: 'byTag', prefix: ['x'], limit: 9, reverse: true }],
      ['notes', { index: 'byTagAndId', gt: ['x', 'y'], limit: 9 }],
      ['notes', { index: 'byPair', prefix: [1], gt: [1, 1], limit: 9 }],
    ]
    for (const [name, query] of scans) {
      const collection = schema.collections[name]!
      const fields = query.index === undefined ? [collection.key] : collection.indexes[query.index]!.fields
      const [lower, upper] = [
        lowerBound(query.gt, query.prefix ?? [], fields.length),
        upperBound(query.lt, query.prefix ?? [], fields.length),
      ]
      for (const { sql } of scanTexts(createTable(name, collection), query, fields, lower, upper)) {
        const marks = sql.split('?').length - 1
        const steps = other.prepare(`EXPLAIN QUERY PLAN ${sql}`).rows(Array.from({ length: marks }, () => 1))
        const plan = steps.map((step) => String(step[3])).join('; ')
        expect(plan, sql).not.toContain('TEMP B-TREE')
        const [, equal = ''] = /WHERE (.*) ORDER/.exec(sql) ?? []
        const seeks = equal.includes('?') ? /^SEARCH .* USING (INDEX|PRIMARY KEY|INTEGER PRIMARY KEY)/ : /^(SCAN|SEARCH)/
        expect(plan, sql).toMatch(seeks)
      }
    }
  })

  it('C6 seeks to the key itself among rows with the same other values', () => {
    const operations = schema.collections.operations!
    const query: ScanQuery = { index: 'byDue', prefix: ['u'], gt: ['u', 1, 5], limit: 9 }
    const fields = operations.indexes.byDue!.fields
    const lower = lowerBound(query.gt, ['u'], fields.length)
    const texts = scanTexts(createTable('operations', operations), query, fields, lower, 'open')
    const plans = texts.map(({ sql, compared }) => {
      const parameters = Array.from({ length: compared + 2 }, () => 1)
      return String(other.prepare(`EXPLAIN QUERY PLAN ${sql}`).rows(parameters)[0]?.[3])
    })
    expect(plans).toEqual([
      expect.stringContaining('(user=? AND rank=? AND seq>?)'),
      expect.stringContaining('(user=? AND rank>?)'),
    ])
  })

  it('C6 reads on after thousands of rows that differ in their key only, in both directions', async () => {
    await storage.commit(Array.from({ length: 2500 }, (_, n) => append({ id: `o${n}`, user: 'u', rank: n < 2400 ? 1 : 2 })))
    for (const reverse of [false, true]) {
      const seen: Scalar[] = []
      let last: IndexKey | undefined
      for (;;) {
        const bound = last && (reverse ? { lt: last } : { gt: last })
        const page = await storage.scan('operations', { index: 'byDue', prefix: ['u'], limit: 700, reverse, ...bound })
        seen.push(...keysOf(page))
        last = page.at(-1)?.position
        if (page.length < 700) break
      }
      expect(seen).toEqual(Array.from({ length: 2500 }, (_, n) => (reverse ? 2500 - n : n + 1)))
    }
  })

  it('C6 refuses keys and indexed values that it would give back changed', async () => {
    for (const text of ['a\0b', '\ud800', 'x\udc00']) {
      await expect(storage.commit([put({ id: text })])).rejects.toBeInstanceOf(ValidationError)
      await expect(storage.commit([put({ id: 'n', tag: text })])).rejects.toBeInstanceOf(ValidationError)
    }
    await storage.commit([put({ id: '😀', tag: '😀' })])
    expect((await storage.get('notes', '😀'))?.value).toEqual({ id: '😀', tag: '😀' })
  })

  it('C6 a row without a form in JSON is refused, and nothing of its commit is there', async () => {
    const circular: Record<string, unknown> = { id: 'c' }
    circular.self = circular
    await expect(storage.commit([put({ id: 'a' }), put(circular)])).rejects.toBeInstanceOf(ValidationError)
    await expect(storage.commit([put({ id: 'a' }), put({ id: 'b', big: 1n })])).rejects.toBeInstanceOf(ValidationError)
    expect(await storage.scan('notes', { limit: 10 })).toEqual([])
  })

  it('C6 a commit gives up when another process holds the file for too long, and reads go on meanwhile', async () => {
    other.exec('BEGIN IMMEDIATE')
    const blocked = storage.commit([put({ id: 'n' })]).catch((error: unknown) => error)
    expect(await storage.get('notes', 'n')).toBeUndefined()
    expect(await blocked).toBeInstanceOf(StorageBlockedError)
    other.exec('ROLLBACK')
    await storage.commit([put({ id: 'n' })])
  })

  it('C6 a commit waits for another process that holds the file, and lets this process go on', async () => {
    const patient = sqliteStorage({ path, busyTimeoutMs: 20_000 })
    await patient.open(schema)
    other.exec('BEGIN IMMEDIATE')
    const waiting = patient.commit([put({ id: 'n' })])
    await patient.get('notes', 'n')
    other.exec('COMMIT')
    await waiting
    expect(await storage.get('notes', 'n')).toBeDefined()
    await patient.close()
  })

  it('L10 a commit that waits is told when its handle is closed', async () => {
    const patient = sqliteStorage({ path, busyTimeoutMs: 20_000 })
    await patient.open(schema)
    other.exec('BEGIN IMMEDIATE')
    const waiting = patient.commit([put({ id: 'n' })]).catch((error: unknown) => error)
    await patient.close()
    expect(await waiting).toBeInstanceOf(StorageClosedError)
    other.exec('ROLLBACK')
    expect(await storage.get('notes', 'n')).toBeUndefined()
  })

  it('S27 a handle of the older schema writes no more once another one has brought the store to a newer one', async () => {
    const newer = sqliteStorage({ path })
    await newer.open(laterSchema)
    await expect(storage.commit([put({ id: 'n', colour: 'red' })])).rejects.toBeInstanceOf(StorageNewerError)
    expect(await newer.scan('notes', { limit: 10 })).toEqual([])
    await storage.open(laterSchema)
    await storage.commit([put({ id: 'n', colour: 'red' })])
    expect(await newer.scan('notes', { index: 'byColour', limit: 10 })).toHaveLength(1)
    await newer.close()
  })

  it('L5 a watch goes on when its handle is opened again for a newer schema', async () => {
    const newer = sqliteStorage({ path })
    const heard = new Promise<void>((resolve) => void storage.watch(() => resolve()))
    await storage.open(laterSchema)
    await newer.open(laterSchema)
    await newer.commit([put({ id: 'n' })])
    await heard
    await newer.close()
  })
})
