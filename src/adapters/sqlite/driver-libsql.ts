import Database from 'libsql'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { cached } from './driver.ts'
import type { Driver, Statement } from './driver.ts'

function columns(row: unknown): readonly unknown[] {
  return Array.isArray(row) ? row : []
}

function prepare(database: Database.Database, sql: string): Statement {
  const statement = database.prepare(sql)
  if (statement.reader) statement.raw()
  return {
    run(parameters) {
      const { lastInsertRowid } = statement.run(parameters)
      return Number(lastInsertRowid)
    },
    row(parameters) {
      const row = statement.get(parameters)
      return row === undefined ? undefined : columns(row)
    },
    rows: (parameters) => statement.all(parameters).map(columns),
  }
}

/**
 * libsql finalizes a statement only when it is collected, and until then `close` leaves the files open: collect now.
 * The collector's callbacks run in the turn after.
 */
async function finalizeStatements(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof collect === 'function') collect()
  await new Promise((resolve) => setImmediate(resolve))
}

export function openLibsql(path: string): Driver {
  let database: Database.Database | undefined = new Database(path)
  const statements = cached((sql) => prepare(connection(), sql))

  function connection(): Database.Database {
    if (database) return database
    throw new TypeError('The connection is closed.')
  }

  return {
    exec(sql) {
      connection().exec(sql)
    },
    prepare: statements,
    async close() {
      connection().close()
      database = undefined
      statements.clear()
      await finalizeStatements()
    },
  }
}
