import type { ScanQuery } from '../../core/ports.ts'
import { indexIn } from '../rows.ts'
import { numbered } from './driver.ts'
import { indexName, presence, quote } from './layout.ts'
import type { Bound, Limits } from './range.ts'
import type { Table } from './table.ts'

/** A statement of a scan, and how many values of the bound at which the scan starts it takes. */
export interface ScanText {
  readonly sql: string
  readonly compared: number
}

interface Stretch {
  readonly conditions: readonly string[]
  readonly compared: number
  /** How many of the fields have one value only in this stretch. */
  readonly constant: number
}

function equal(fields: readonly string[]): readonly string[] {
  return fields.map((field) => `${quote(field)} = ?`)
}

function compare(fields: readonly string[], operator: string): readonly string[] {
  const columns = fields.map(quote).join(', ')
  if (fields.length < 2) return fields.map(() => `${columns} ${operator} ?`)
  return [`(${columns}) ${operator} (${fields.map(() => '?').join(', ')})`]
}

function strict(operator: Limits['operator']): string {
  return operator.charAt(0)
}

/**
 * The bound at which the scan starts, as the stretches that follow each other from there. SQLite can't seek to a row value that ends with
 * the rowid: it would read on from the first row with the same other values. So those rows are a stretch of their own.
 */
function stretches(table: Table, fields: readonly string[], bound: Bound): readonly Stretch[] {
  if (typeof bound === 'string') return [{ conditions: [], compared: 0, constant: 0 }]
  const { operator, values } = bound
  const compared = fields.slice(0, values.length)
  const before = compared.slice(0, -1)
  if (!table.rowid || before.length === 0 || compared.at(-1) !== table.key) {
    return [{ conditions: compare(compared, operator), compared: compared.length, constant: 0 }]
  }
  return [
    { conditions: [...equal(before), ...compare([table.key], operator)], compared: compared.length, constant: before.length },
    { conditions: compare(before, strict(operator)), compared: before.length, constant: 0 },
  ]
}

function endOf(fields: readonly string[], bound: Bound): readonly string[] {
  return typeof bound === 'string' ? [] : compare(fields.slice(0, bound.values.length), bound.operator)
}

function selectFrom(table: Table, index: string | undefined, fields: readonly string[]): string {
  const columns = numbered([table.key, ...fields].map(quote).concat('value'))
  const from = `SELECT ${columns} FROM ${quote(table.name)}`
  if (index === undefined) return from
  return `${from} INDEXED BY ${quote(indexName(table.name, index, indexIn(table.collection, index)))}`
}

/** Rows with the same position come in the order of their keys. Fields that are constant would only make SQLite sort. */
function orderBy(
  { key }: Table,
  unique: boolean,
  varying: readonly string[],
  fields: readonly string[],
  reverse: boolean,
): string {
  const order = unique || fields.includes(key) ? varying : [...varying, key]
  if (order.length === 0) return ''
  return ` ORDER BY ${order.map((field) => `${quote(field)}${reverse ? ' DESC' : ''}`).join(', ')}`
}

/** The statements of a query, in the order in which they are to run until there are enough rows. */
export function scanTexts(
  table: Table,
  query: ScanQuery,
  fields: readonly string[],
  lower: Bound,
  upper: Bound,
): readonly ScanText[] {
  const { prefix = [], reverse = false } = query
  const [start, end] = reverse ? [upper, lower] : [lower, upper]
  const unique = query.index === undefined || indexIn(table.collection, query.index).unique === true
  const rest = fields.slice(prefix.length)
  const select = selectFrom(table, query.index, fields)
  const fixed = [...equal(fields.slice(0, prefix.length)), ...endOf(rest, end)]
  return stretches(table, rest, start).map(({ conditions, compared, constant }) => {
    const all = [...fixed, ...conditions, ...presence(fields, table.key)]
    const where = all.length > 0 ? ` WHERE ${all.join(' AND ')}` : ''
    return { sql: `${select}${where}${orderBy(table, unique, rest.slice(constant), fields, reverse)} LIMIT ?`, compared }
  })
}
