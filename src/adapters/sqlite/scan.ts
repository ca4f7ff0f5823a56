import type { Entry, IndexKey, ScanQuery } from '../../core/ports.ts'
import { checkLimit, indexIn, isScalar } from '../rows.ts'
import { decode } from './decode.ts'
import type { Driver, Parameter, Statement } from './driver.ts'
import { lowerBound, upperBound } from './range.ts'
import type { Bound } from './range.ts'
import { scanTexts } from './scan-sql.ts'
import type { Table } from './table.ts'

function valuesOf(bound: Bound): IndexKey {
  return typeof bound === 'string' ? [] : bound.values
}

/** Two queries of the same shape differ only in the values that are bound. */
function shapeOf(query: ScanQuery, lower: Bound, upper: Bound): string {
  const sides = [lower, upper].map((bound) => (typeof bound === 'string' ? '' : bound.operator + bound.values.length))
  return `${query.prefix?.length ?? 0}${query.reverse ? 'r' : ''}${sides.join()}${query.index ?? ''}`
}

function rowsOf(statement: Statement, parameters: readonly Parameter[], limit: number): readonly (readonly unknown[])[] {
  if (limit !== 1) return statement.rows(parameters)
  const row = statement.row(parameters)
  return row ? [row] : []
}

function entryOf(row: readonly unknown[], table: Table): Entry {
  const key = isScalar(row[0]) ? row[0] : String(row[0])
  return decode(key, row.slice(1, -1).filter(isScalar), row.at(-1), table.missingKey)
}

/** Runs the query as one SQL statement, rarely two. Rows that can't be decoded keep their place. */
export function scanTable(driver: Driver, table: Table, query: ScanQuery): readonly Entry[] {
  checkLimit(query)
  const { prefix = [], reverse = false, limit } = query
  const fields = query.index === undefined ? [table.key] : indexIn(table.collection, query.index).fields
  const lower = lowerBound(query.gt, prefix, fields.length)
  const upper = upperBound(query.lt, prefix, fields.length)
  if (prefix.length > fields.length || lower === 'empty' || upper === 'empty') return []

  const shape = shapeOf(query, lower, upper)
  const texts = table.scans.get(shape) ?? scanTexts(table, query, fields, lower, upper)
  table.scans.set(shape, texts)
  const [start, end] = reverse ? [upper, lower] : [lower, upper]
  const bind = (values: IndexKey, from: number) => values.map((value, at) => table.comparable(fields[from + at], value))
  const fixed = [...prefix.map((value, at) => table.equal(fields[at], value)), ...bind(valuesOf(end), prefix.length)]
  const entries: Entry[] = []
  for (const { sql, compared } of texts) {
    const missing = limit - entries.length
    const parameters = [...fixed, ...bind(valuesOf(start).slice(0, compared), prefix.length), missing]
    for (const row of rowsOf(driver.prepare(sql), parameters, missing)) entries.push(entryOf(row, table))
    if (entries.length >= limit) break
  }
  return entries
}
