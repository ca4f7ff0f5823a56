import Database from 'libsql'
import { collectGarbage } from './collect-garbage.ts'
import { cached } from './driver.ts'
import type { Driver, Parameter, Statement } from './driver.ts'

function columns(row: unknown): readonly unknown[] {
  return Array.isArray(row) ? row : []
}

/** An error keeps the statement of its stack alive until the stack has been made a text, and with it the file open. */
function lettingGo<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error) String(error.stack)
    throw error
  }
}

/** libsql ends the process, which nobody can catch, on a parameter that it can't bind. */
function bound(parameters: readonly Parameter[]): readonly Parameter[] {
  for (const one of parameters)
    if (one !== null && typeof one !== 'string' && typeof one !== 'number')
      throw new TypeError(`SQLite can't be given a ${typeof one} here.`)
  return parameters
}

/** After an `all` that found nothing, the next `get` of the same libsql statement finds nothing either: each has a statement of its own. */
function prepare(database: Database.Database, sql: string): Statement {
  const one = reading(database.prepare(sql))
  let many: Database.Statement | undefined
  return {
    run: (parameters) => lettingGo(() => one.run(bound(parameters))),
    row(parameters) {
      const row = lettingGo(() => one.get(bound(parameters)))
      return row === undefined ? undefined : columns(row)
    },
    rows(parameters) {
      many ??= reading(lettingGo(() => database.prepare(sql)))
      const statement = many
      return lettingGo(() => statement.all(bound(parameters))).map(columns)
    },
  }
}

function reading(statement: Database.Statement): Database.Statement {
  if (statement.reader) statement.raw()
  return statement
}

/**
 * libsql finalizes a statement only when it is collected, and until then `close` leaves the files open: collect now, in a turn
 * in which no caller's frame refers to a statement any more. The collector's callbacks run in the turn after.
 */
async function finalizeStatements(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  await new Promise((resolve) => setImmediate(resolve))
}

export function openLibsql(path: string): Driver {
  let database: Database.Database | undefined = new Database(path)
  const statements = cached((sql) => lettingGo(() => prepare(connection(), sql)))

  function connection(): Database.Database {
    if (database) return database
    throw new TypeError('The connection is closed.')
  }

  return {
    exec(sql) {
      lettingGo(() => connection().exec(sql))
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
