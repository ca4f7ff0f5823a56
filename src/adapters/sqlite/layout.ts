import { ValidationError } from '../../core/errors.ts'
import type { CollectionSchema, IndexSchema, Scalar, StoreSchema } from '../../core/ports.ts'
import { positionOf } from '../rows.ts'
import type { Row } from '../rows.ts'
import { decode } from './decode.ts'
import type { Driver } from './driver.ts'
import { newerError } from '../store-version.ts'

export const quote = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`

/** The columns that hold fields: the key first, then every other indexed field. The row itself is in the column `value`. */
export function columnsOf({ key, indexes }: CollectionSchema): readonly string[] {
  return [...new Set([key, ...Object.values(indexes).flatMap(({ fields }) => fields)])]
}

/** Made of the definition, so that an index whose definition changes is another index. */
export function indexName(collection: string, name: string, { fields, unique }: IndexSchema): string {
  return `${collection}.${name}(${fields.join()})${unique ? ' unique' : ''}`
}

/** Keeps rows that lack a field out of the index, and lets queries that repeat it use the index. */
export function presence(fields: readonly string[], key: string): readonly string[] {
  return fields.filter((field) => field !== key).map((field) => `${quote(field)} IS NOT NULL`)
}

/** Columns have no type, so values come back as they went in, and numbers sort before strings. */
function createTable(name: string, collection: CollectionSchema): string {
  const [key = collection.key, ...others] = columnsOf(collection).map(quote)
  const columns = [...others, 'value TEXT NOT NULL'].join(', ')
  if (collection.autoIncrement)
    return `CREATE TABLE IF NOT EXISTS ${quote(name)} (${key} INTEGER PRIMARY KEY AUTOINCREMENT, ${columns})`
  return `CREATE TABLE IF NOT EXISTS ${quote(name)} (${key} PRIMARY KEY NOT NULL, ${columns}) WITHOUT ROWID`
}

function createIndex(collection: string, key: string, name: string, index: IndexSchema): string {
  const where = presence(index.fields, key).join(' AND ')
  const unique = index.unique ? 'UNIQUE ' : ''
  const on = `${quote(collection)} (${index.fields.map(quote).join(', ')})`
  return `CREATE ${unique}INDEX IF NOT EXISTS ${quote(indexName(collection, name, index))} ON ${on}${where && ` WHERE ${where}`}`
}

function checkNames(name: string, collection: CollectionSchema): void {
  const columns = ['value', ...columnsOf(collection)].map((column) => column.toLowerCase())
  if (new Set(columns).size === columns.length) return
  throw new ValidationError(
    `collections.${name}`,
    'Fields of keys and indexes may not be called "value" nor differ only in case.',
  )
}

function names(driver: Driver, sql: string, of: string): readonly string[] {
  return driver
    .prepare(sql)
    .rows([of])
    .map(([name]) => String(name))
}

/** Gives a column that is new to the table the values that its rows already hold. */
function fillColumns(driver: Driver, name: string, { key, autoIncrement }: CollectionSchema, added: readonly string[]): void {
  const table = quote(name)
  const page = driver.prepare(
    `SELECT ${quote(key)}, value FROM ${table} WHERE ${quote(key)} > ? ORDER BY ${quote(key)} LIMIT 1000`,
  )
  const update = driver.prepare(
    `UPDATE ${table} SET ${added.map((field) => `${quote(field)} = ?`).join(', ')} WHERE ${quote(key)} = ?`,
  )
  const scalar = (row: Row, field: string) => positionOf(row, [field])?.[0] ?? null
  for (let last: Scalar = autoIncrement ? 0 : Number.NEGATIVE_INFINITY; ;) {
    const rows = page.rows([last])
    for (const [found, text] of rows) {
      if (typeof found !== 'string' && typeof found !== 'number') continue
      last = found
      const { value } = decode(found, [found], text)
      if (value) update.run([...added.map((field) => scalar(value, field)), found])
    }
    if (rows.length < 1000) return
  }
}

function layOutCollection(driver: Driver, name: string, collection: CollectionSchema): void {
  driver.exec(createTable(name, collection))
  const existing = names(driver, 'SELECT name FROM pragma_table_info(?)', name)
  const added = columnsOf(collection).filter((column) => !existing.includes(column))
  for (const column of added) driver.exec(`ALTER TABLE ${quote(name)} ADD COLUMN ${quote(column)}`)
  if (added.length > 0) fillColumns(driver, name, collection, added)
  const wanted = Object.entries(collection.indexes)
  const present = names(driver, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", name)
  const kept = wanted.map(([index, definition]) => indexName(name, index, definition))
  for (const index of present)
    if (index.startsWith(`${name}.`) && !kept.includes(index)) driver.exec(`DROP INDEX ${quote(index)}`)
  for (const [index, definition] of wanted) driver.exec(createIndex(name, collection.key, index, definition))
}

/** Refuses a store of a newer schema, also if another process has only just brought it there. */
export function checkVersion(driver: Driver, schema: StoreSchema): void {
  const found = versionOf(driver)
  if (found > schema.version) throw newerError(found, schema.version)
}

function versionOf(driver: Driver): number {
  return Number(driver.prepare('PRAGMA user_version').row([])?.[0])
}

/** Creates what the schema has and the file lacks. Runs inside a transaction. */
export function layOut(driver: Driver, schema: StoreSchema): void {
  checkVersion(driver, schema)
  for (const [name, collection] of Object.entries(schema.collections)) {
    checkNames(name, collection)
    layOutCollection(driver, name, collection)
  }
  // Setting it writes, though it stays the same.
  if (versionOf(driver) !== schema.version) driver.exec(`PRAGMA user_version = ${Math.trunc(schema.version)}`)
}
