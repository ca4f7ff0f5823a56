import { isBuiltin } from 'node:module'
import { StorageCorruptError, StorageUnavailableError } from '../core/errors.ts'

export type SqlValue = string | number | null
export type SqlRow = Readonly<Record<string, unknown>>

export interface Statement {
  run(...values: SqlValue[]): void
  get(...values: SqlValue[]): SqlRow | undefined
  all(...values: SqlValue[]): readonly SqlRow[]
}

/** The little of SQLite that the server needs, the same over `node:sqlite` and libsql. All calls are synchronous. */
export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

type Driver = (path: string) => Database

/**
 * Opens a SQLite file, or `:memory:`, with `node:sqlite` where it exists and libsql elsewhere.
 * @throws StorageUnavailableError if the file can't be opened.
 */
export async function openDatabase(path: string): Promise<Database> {
  const open = isBuiltin('node:sqlite') ? await nodeDriver() : await libsqlDriver()
  try {
    return open(path)
  } catch (cause) {
    throw new StorageUnavailableError(`The database ${path} can't be opened. Check that its folder exists and can be written.`, {
      cause,
    })
  }
}

async function libsqlDriver(): Promise<Driver> {
  const { default: Libsql } = await import('libsql')
  return (path) => {
    const database = new Libsql(path)
    return {
      exec: (sql) => void database.exec(sql),
      prepare(sql) {
        // Values go in as one array: a lone `null` would be taken for a bag of named parameters.
        const statement = database.prepare<[readonly SqlValue[]]>(sql)
        return {
          run: (...values) => void statement.run(values),
          get: (...values) => optionalRow(statement.get(values)),
          all: (...values) => statement.all(values).map(row),
        }
      },
      close: () => void database.close(),
    }
  }
}

async function nodeDriver(): Promise<Driver> {
  // The specifier is not a literal because the types of Node 20 do not know this module.
  const specifier: string = 'node:sqlite'
  const loaded: unknown = await import(specifier)
  if (!isNodeSqlite(loaded))
    throw new StorageUnavailableError('node:sqlite has no DatabaseSync. Use Node 22.13 or later, or Node 20 with libsql.')
  return (path) => {
    const database = new loaded.DatabaseSync(path)
    return {
      exec: (sql) => database.exec(sql),
      prepare(sql) {
        const statement = database.prepare(sql)
        return {
          run: (...values) => void statement.run(...values),
          get: (...values) => optionalRow(statement.get(...values)),
          all: (...values) => statement.all(...values).map(row),
        }
      },
      close: () => database.close(),
    }
  }
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => {
    exec(sql: string): void
    prepare(sql: string): {
      run(...values: SqlValue[]): unknown
      get(...values: SqlValue[]): unknown
      all(...values: SqlValue[]): unknown[]
    }
    close(): void
  }
}

function isNodeSqlite(value: unknown): value is NodeSqlite {
  return typeof value === 'object' && value !== null && 'DatabaseSync' in value && typeof value.DatabaseSync === 'function'
}

function optionalRow(value: unknown): SqlRow | undefined {
  return value === undefined || value === null ? undefined : row(value)
}

function row(value: unknown): SqlRow {
  if (!isRow(value)) throw new StorageCorruptError(`SQLite gave ${typeof value} where a row was expected.`)
  return value
}

function isRow(value: unknown): value is SqlRow {
  return typeof value === 'object' && value !== null
}

/** The text in a column. @throws StorageCorruptError if it is something else. */
export function text(from: SqlRow, column: string): string {
  const value = from[column]
  if (typeof value === 'string') return value
  throw new StorageCorruptError(
    `Column ${column} holds ${typeof value} where text was expected. Restore the database from a backup.`,
  )
}

/** The integer in a column. @throws StorageCorruptError if it is something else. */
export function integer(from: SqlRow, column: string): number {
  const value = from[column]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new StorageCorruptError(
    `Column ${column} holds ${typeof value} where an integer was expected. Restore the database from a backup.`,
  )
}

/** The text in a column, or null. @throws StorageCorruptError if it is something else. */
export function optionalText(from: SqlRow, column: string): string | null {
  return from[column] === null ? null : text(from, column)
}

/** The integer in a column, or null. @throws StorageCorruptError if it is something else. */
export function optionalInteger(from: SqlRow, column: string): number | null {
  return from[column] === null ? null : integer(from, column)
}
