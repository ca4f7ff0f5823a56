import { resolve } from 'node:path'
import type { StoreSchema } from '../../core/ports.ts'
import { collectionIn } from '../rows.ts'
import { openDriver } from './driver.ts'
import type { Driver } from './driver.ts'
import { checkWritable, openError, storageError } from './errors.ts'
import { checkVersion, layOut } from './layout.ts'
import { createTable } from './table.ts'
import type { Table } from './table.ts'

export interface Connection {
  readonly driver: Driver
  readonly schema: StoreSchema
  readonly tables: ReadonlyMap<string, Table>
  /** What `PRAGMA synchronous` was last set to. */
  synchronous: 'FULL' | 'NORMAL'
}

/** SQLite waits this long for another writer before control comes back here: its waiting stops the whole thread. */
const blockingWaitMs = 50

function tablesOf({ collections }: StoreSchema): ReadonlyMap<string, Table> {
  return new Map(Object.entries(collections).map(([name, collection]) => [name, createTable(name, collection)]))
}

export function tableIn({ tables, schema }: Connection, name: string): Table {
  return tables.get(name) ?? createTable(name, collectionIn(schema, name))
}

/** Runs the work in a write transaction: all of it, or nothing. */
export function transact<T>(driver: Driver, work: () => T): T {
  return within(driver, 'BEGIN IMMEDIATE', work)
}

/** Runs reads at one moment of the store. Each alone would look up and lock that moment anew, which costs more than the read. */
export function readTogether<T>(driver: Driver, work: () => T): T {
  return within(driver, 'BEGIN', work)
}

function within<T>(driver: Driver, begin: string, work: () => T): T {
  driver.exec(begin)
  try {
    const result = work()
    driver.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(driver)
    throw error
  }
}

function rollBack(driver: Driver): void {
  try {
    driver.exec('ROLLBACK')
  } catch {
    // After some errors, such as a full disk, SQLite has rolled back by itself.
  }
}

function prepareFile(driver: Driver, schema: StoreSchema, maxBytes: number | undefined): void {
  driver.exec(`PRAGMA busy_timeout = ${blockingWaitMs}`)
  checkVersion(driver, schema)
  driver.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON')
  driver.prepare('PRAGMA journal_mode = WAL').rows([])
  if (maxBytes !== undefined) {
    const pageBytes = Number(driver.prepare('PRAGMA page_size').row([])?.[0])
    driver.prepare(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`).rows([])
  }
  transact(driver, () => layOut(driver, schema))
}

async function openFile(path: string): Promise<Driver> {
  try {
    return await openDriver(path)
  } catch (error) {
    throw openError(error, path)
  }
}

/** Opens the file and brings it to the schema. A file that can't be used is closed again. */
export async function connect(path: string, schema: StoreSchema, maxBytes: number | undefined): Promise<Connection> {
  const absolute = resolve(path)
  checkWritable(absolute)
  const driver = await openFile(absolute)
  try {
    prepareFile(driver, schema, maxBytes)
  } catch (error) {
    await driver.close()
    throw openError(error, absolute)
  }
  return { driver, schema, tables: tablesOf(schema), synchronous: 'FULL' }
}

/** Brings a store that is open to another schema. */
export function adopt(connection: Connection, schema: StoreSchema): Connection {
  transact(connection.driver, () => layOut(connection.driver, schema))
  return { ...connection, schema, tables: tablesOf(schema) }
}

/** Empties the write-ahead log into the database, unless somebody else is at it, and closes the file. */
export async function disconnect({ driver }: Connection): Promise<void> {
  try {
    driver.exec('PRAGMA busy_timeout = 0')
    driver.prepare('PRAGMA wal_checkpoint(TRUNCATE)').rows([])
  } catch {
    // What is committed is safe in the log; who opens the file next reads it from there.
  }
  try {
    await driver.close()
  } catch (error) {
    throw storageError(error)
  }
}
