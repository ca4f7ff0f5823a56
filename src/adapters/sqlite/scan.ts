import type { Entry, IndexKey, Scalar, ScanQuery } from '../../core/ports.ts'
import { checkLimit, indexIn, isScalar } from '../rows.ts'
import { decode } from './decode.ts'
import { numbered } from './driver.ts'
import type { Driver } from './driver.ts'
import { indexName, presence, quote } from './layout.ts'
import { lowerBound, upperBound } from './range.ts'
import type { Bound } from './range.ts'
import type { Table } from './table.ts'

interface Condition {
  readonly sql: string
  readonly parameters: readonly Scalar[]
}

const always: Condition = { sql: '', parameters: [] }

function compareFields(table: Table, fields: readonly string[], operator: string, values: IndexKey): Condition {
  if (values.length === 0) return always
  const compared = fields.slice(0, values.length)
  const parameters = values.map((value, at) => table.comparable(compared[at], value))
  const columns = compared.map(quote).join(', ')
  if (compared.length === 1) return { sql: `${columns} ${operator} ?`, parameters }
  return { sql: `(${columns}) ${operator} (${compared.map(() => '?').join(', ')})`, parameters }
}

function equalFields(table: Table, fields: readonly string[], values: IndexKey): Condition {
  const sql = values.map((_, at) => `${quote(fields[at] ?? '')} = ?`).join(' AND ')
  return { sql, parameters: values.map((value, at) => table.comparable(fields[at], value)) }
}

/**
 * The bound at which the scan starts, as the stretches that follow each other from there. SQLite can't seek to a row value that ends with the
 * rowid: it would read on from the first row with the same other values. So those rows are a stretch of their own.
 */
function stretches(table: Table, fields: readonly string[], bound: Bound): readonly (readonly Condition[])[] {
  if (typeof bound === 'string') return [[]]
  const { operator, values } = bound
  const before = values.slice(0, -1)
  const last = fields[before.length]
  if (!table.rowid || before.length === 0 || last !== table.key) return [[compareFields(table, fields, operator, values)]]
  const same = equalFields(table, fields, before)
  const further = compareFields(table, [last], operator, values.slice(-1))
  return [[same, further], [compareFields(table, fields, operator.charAt(0), before)]]
}

function end(table: Table, fields: readonly string[], bound: Bound): Condition {
  return typeof bound === 'string' ? always : compareFields(table, fields, bound.operator, bound.values)
}

interface Plan {
  /** Everything of the statement before WHERE. */
  readonly select: string
  readonly order: string
  /** Each stretch is one statement; together they are the scan. */
  readonly stretches: readonly (readonly Condition[])[]
}

function select(table: Table, query: ScanQuery, fields: readonly string[]): string {
  const columns = numbered([table.key, ...fields].map(quote).concat('value'))
  const from = `SELECT ${columns} FROM ${quote(table.name)}`
  if (query.index === undefined) return from
  return `${from} INDEXED BY ${quote(indexName(table.name, query.index, indexIn(table.collection, query.index)))}`
}

function plan(table: Table, query: ScanQuery): Plan | undefined {
  const { prefix = [], reverse = false } = query
  const fields = query.index === undefined ? [table.key] : indexIn(table.collection, query.index).fields
  const lower = lowerBound(query.gt, prefix, fields.length)
  const upper = upperBound(query.lt, prefix, fields.length)
  if (prefix.length > fields.length || lower === 'empty' || upper === 'empty') return undefined
  const rest = fields.slice(prefix.length)
  const present = presence(fields, table.key).map((sql) => ({ sql, parameters: [] }))
  const fixed = [equalFields(table, fields, prefix), end(table, rest, reverse ? lower : upper), ...present]
  return {
    select: select(table, query, fields),
    order: [...new Set([...fields, table.key])].map((field) => `${quote(field)}${reverse ? ' DESC' : ''}`).join(', '),
    stretches: stretches(table, rest, reverse ? upper : lower).map((stretch) => [...fixed, ...stretch].filter(({ sql }) => sql !== '')),
  }
}

function entryOf(row: readonly unknown[], table: Table): Entry {
  const key = isScalar(row[0]) ? row[0] : String(row[0])
  return decode(key, row.slice(1, -1).filter(isScalar), row.at(-1), table.missingKey)
}

/** Runs the query as one SQL statement, rarely two. Rows that can't be decoded keep their place. */
export function scanTable(driver: Driver, table: Table, query: ScanQuery): readonly Entry[] {
  checkLimit(query)
  const planned = plan(table, query)
  const entries: Entry[] = []
  for (const conditions of planned?.stretches ?? []) {
    const where = conditions.length > 0 ? ` WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}` : ''
    const parameters = conditions.flatMap((condition) => condition.parameters)
    const statement = driver.prepare(`${planned?.select}${where} ORDER BY ${planned?.order} LIMIT ?`)
    for (const row of statement.rows([...parameters, query.limit - entries.length])) entries.push(entryOf(row, table))
    if (entries.length >= query.limit) break
  }
  return entries
}
