import type { Row } from '../rows.ts'
import { cached } from './driver.ts'
import type { Driver, Parameter, Statement, Written } from './driver.ts'

/** The part of `node:sqlite` that is used; the types of the oldest supported Node don't have it. */
interface DatabaseSync {
  exec(sql: string): void
  prepare(sql: string): StatementSync
  close(): void
}

interface StatementSync {
  run(...parameters: Parameter[]): Written
  get(...parameters: Parameter[]): object | undefined
  all(...parameters: Parameter[]): readonly object[]
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => DatabaseSync
}

function isNodeSqlite(module: Row): module is Row & NodeSqlite {
  return typeof module.DatabaseSync === 'function'
}

function prepare(database: DatabaseSync, sql: string): Statement {
  const statement = database.prepare(sql)
  return {
    run: (parameters) => statement.run(...parameters),
    row(parameters) {
      const row = statement.get(...parameters)
      return row && Object.values(row)
    },
    rows: (parameters) => statement.all(...parameters).map((row) => Object.values(row)),
  }
}

export function openNodeSqlite(module: Row, path: string): Driver {
  if (!isNodeSqlite(module)) throw new TypeError('node:sqlite has no DatabaseSync.')
  const database = new module.DatabaseSync(path)
  const statements = cached((sql) => prepare(database, sql))
  return {
    exec: (sql) => database.exec(sql),
    prepare: statements,
    async close() {
      statements.clear()
      database.close()
    },
  }
}
