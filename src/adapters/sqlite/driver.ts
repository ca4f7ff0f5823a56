import { isRow } from '../rows.ts'

export type Parameter = string | number | null

/** What a statement that writes has done. */
export interface Written {
  readonly changes: number | bigint
  readonly lastInsertRowid: number | bigint
}

/** A prepared statement. Rows are arrays of columns. */
export interface Statement {
  run(parameters: readonly Parameter[]): Written
  /** The row of a query that can have one at most. */
  row(parameters: readonly Parameter[]): readonly unknown[] | undefined
  rows(parameters: readonly Parameter[]): readonly (readonly unknown[])[]
}

/** One connection, the same whichever library makes it. Errors are the library's own (see errors.ts). */
export interface Driver {
  exec(sql: string): void
  /** The same text gives the same statement. */
  prepare(sql: string): Statement
  /** Resolves when the connection's files are closed. */
  close(): Promise<void>
}

/** Numbers each column so that a library that returns objects can't merge two of one name. */
export function numbered(columns: readonly string[]): string {
  return columns.map((column, at) => `${column} AS c${at}`).join(', ')
}

export function cached(prepare: (sql: string) => Statement): Driver['prepare'] & { clear(): void } {
  const statements = new Map<string, Statement>()
  const lookUp = (sql: string) => {
    const statement = statements.get(sql) ?? prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return Object.assign(lookUp, { clear: () => statements.clear() })
}

/** `node:sqlite` where this Node has it (22.5 and later), else the package `libsql`. */
export async function openDriver(path: string): Promise<Driver> {
  const builtin: unknown = process.getBuiltinModule('node:sqlite')
  if (isRow(builtin)) {
    const { openNodeSqlite } = await import('./driver-node.ts')
    return openNodeSqlite(builtin, path)
  }
  const { openLibsql } = await import('./driver-libsql.ts')
  return openLibsql(path)
}
