import type { CountQuery } from '../../core/ports.ts'
import { indexIn } from '../rows.ts'
import type { Driver } from './driver.ts'
import { indexName, presence, quote } from './layout.ts'
import type { Table } from './table.ts'

/** Counts in the index alone. */
export function countRows(driver: Driver, table: Table, { index, prefix }: CountQuery): number {
  const schema = indexIn(table.collection, index)
  if (prefix.length > schema.fields.length) return 0
  const fixed = schema.fields.slice(0, prefix.length)
  const all = [...fixed.map((field) => `${quote(field)} = ?`), ...presence(schema.fields, table.key)]
  const where = all.length > 0 ? ` WHERE ${all.join(' AND ')}` : ''
  const from = `${quote(table.name)} INDEXED BY ${quote(indexName(table.name, index, schema))}`
  const values = prefix.map((value, at) => table.equal(fixed[at], value))
  return Number(driver.prepare(`SELECT count(*) FROM ${from}${where}`).row(values)?.[0] ?? 0)
}
