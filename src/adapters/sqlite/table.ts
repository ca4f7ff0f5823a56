import { ValidationError } from '../../core/errors.ts'
import type { CollectionSchema, Entry, IndexKey, Scalar } from '../../core/ports.ts'
import { checkAppendable, encode, isScalar, keyOf, positionOf, rowOf } from '../rows.ts'
import type { Row } from '../rows.ts'
import { decode } from './decode.ts'
import type { Driver, Parameter } from './driver.ts'
import type { ScanText } from './scan-sql.ts'
import { columnsOf, indexName, presence, quote } from './layout.ts'

/** One collection of the open store, with the texts of its statements. */
export interface Table {
  readonly name: string
  readonly collection: CollectionSchema
  readonly key: string
  /** The key is SQLite's own rowid. */
  readonly rowid: boolean
  /** The field that the text of a row may lack: a rowid is known only once the row is written. */
  readonly missingKey: string | undefined
  /** The indexed fields without the key, in the order of their columns. */
  readonly fields: readonly string[]
  readonly sql: {
    readonly get: string
    readonly getMany: string
    readonly append: string
    readonly put: string
    readonly delete: string
  }
  /** The statements of the scans that were made, by the shape of their queries. */
  readonly scans: Map<string, readonly ScanText[]>
  /** The statements of the updates that were made, by the fields that they change. */
  readonly updates: Map<string, string>
  /** A value as it must be bound to be compared with that field. */
  comparable(field: string | undefined, value: Scalar): Scalar
  /** A value as it must be bound to find what is equal: nothing equals null, as nothing that is stored equals text that SQLite would change. */
  equal(field: string | undefined, value: Scalar): Parameter
}

export function createTable(name: string, collection: CollectionSchema): Table {
  const { key } = collection
  const rowid = collection.autoIncrement === true
  const fields = columnsOf(collection).filter((field) => field !== key)
  const table = quote(name)
  const others = [...fields.map(quote), 'value']
  const marks = others.map(() => '?').join(', ')
  const update = others.map((column) => `${column} = excluded.${column}`).join(', ')
  // A rowid is compared as a number, whatever it is compared with: let a string be what it sorts as, more than any rowid.
  const comparable = (field: string | undefined, value: Scalar) =>
    rowid && field === key && typeof value === 'string' ? Number.MAX_VALUE : value
  return {
    name,
    collection,
    key,
    rowid,
    missingKey: rowid ? key : undefined,
    fields,
    scans: new Map(),
    updates: new Map(),
    sql: {
      get: `SELECT value FROM ${table} WHERE ${quote(key)} = ?`,
      // CROSS JOIN, so that each key is looked up once, in whatever order SQLite would like better.
      getMany: `SELECT asked.key AS c0, found.value AS c1 FROM json_each(?) AS asked CROSS JOIN ${table} AS found ON found.${quote(key)} = asked.value`,
      append: `INSERT INTO ${table} (${others.join(', ')}) VALUES (${marks})`,
      put: `INSERT INTO ${table} (${others.join(', ')}, ${quote(key)}) VALUES (${marks}, ?) ON CONFLICT (${quote(key)}) DO UPDATE SET ${update}`,
      delete: `DELETE FROM ${table} WHERE ${quote(key)} = ?`,
    },
    comparable,
    equal: (field, value) => (isUnfaithful(value) ? null : comparable(field, value)),
  }
}

const unfaithful = /[\0\p{Surrogate}]/u

/** SQLite would give text with these characters back changed. */
const isUnfaithful = (value: Scalar): boolean => typeof value === 'string' && unfaithful.test(value)

function checkText(value: Scalar, where: string): void {
  if (!isUnfaithful(value)) return
  throw new ValidationError(
    where,
    'Keys and indexed values may hold neither NUL characters nor half surrogate pairs. Take them out.',
  )
}

function bindings(table: Table, row: Row, text: string): Parameter[] {
  const parameters: Parameter[] = []
  for (const field of table.fields) {
    const value = Object.hasOwn(row, field) ? row[field] : undefined
    if (!isScalar(value)) {
      parameters.push(null)
      continue
    }
    checkText(value, field)
    parameters.push(value)
  }
  parameters.push(text)
  return parameters
}

/** Returns the key that the row got. */
export function append(driver: Driver, table: Table, value: object): number {
  checkAppendable(table.name, table.collection)
  const row = rowOf(value, table.name)
  return Number(driver.prepare(table.sql.append).run(bindings(table, row, encode(row, table.name))).lastInsertRowid)
}

export function put(driver: Driver, table: Table, value: object, was: object | undefined): void {
  const row = rowOf(value, table.name)
  const key = keyOf(row, table.name, table.collection)
  checkText(key, table.key)
  const parameters = bindings(table, row, encode(row, table.name))
  parameters.push(key)
  if (was !== undefined && update(driver, table, rowOf(was, table.name), parameters)) return
  driver.prepare(table.sql.put).run(parameters)
}

/**
 * Writes the columns alone that differ from the row as it was, where the others are in the store as they are here: each index that
 * is left alone is a page less to write. False if they are not.
 */
function update(driver: Driver, table: Table, was: Row, parameters: readonly Parameter[]): boolean {
  const [changed, same]: [number[], number[]] = [[], []]
  table.fields.forEach((field, at) => ((was[field] ?? null) === parameters[at] ? same : changed).push(at))
  const shape = changed.join()
  const sql = table.updates.get(shape) ?? updateText(table, changed, same)
  table.updates.set(shape, sql)
  const columns = [...changed, table.fields.length, table.fields.length + 1, ...same]
  return Number(driver.prepare(sql).run(columns.map((at) => parameters[at] ?? null)).changes) > 0
}

function updateText({ name, key, fields }: Table, changed: readonly number[], same: readonly number[]): string {
  const set = [...changed.map((at) => `${quote(fields[at] ?? '')} = ?`), 'value = ?']
  const where = [`${quote(key)} = ?`, ...same.map((at) => `${quote(fields[at] ?? '')} IS ?`)]
  return `UPDATE ${quote(name)} SET ${set.join(', ')} WHERE ${where.join(' AND ')}`
}

export function remove(driver: Driver, table: Table, key: Scalar): void {
  driver.prepare(table.sql.delete).run([table.equal(table.key, key)])
}

export function read(driver: Driver, table: Table, key: Scalar): Entry | undefined {
  const row = driver.prepare(table.sql.get).row([table.equal(table.key, key)])
  return row && decode(key, [key], row[0], table.missingKey)
}

/** Of other numbers SQLite reads in JSON one that is near. */
export const isExactInJson = (key: Scalar): boolean => typeof key === 'string' || Number.isSafeInteger(key)

/** One query for all: each alone would cost more than its row. Of keys that are exact in JSON. */
export function readMany(driver: Driver, table: Table, keys: readonly Scalar[]): readonly (Entry | undefined)[] {
  const entries = Array.from<Entry | undefined>({ length: keys.length })
  const asked = keys.map((key) => table.equal(table.key, key))
  for (const [at, text] of driver.prepare(table.sql.getMany).rows([JSON.stringify(asked)])) {
    const key = keys[Number(at)]
    if (key !== undefined) entries[Number(at)] = decode(key, [key], text, table.missingKey)
  }
  return entries
}

/** The unique index in which another row already stands where this one would. */
export function takenIndex(driver: Driver, table: Table, row: Row): string | undefined {
  for (const [name, index] of Object.entries(table.collection.indexes)) {
    const position: IndexKey | undefined = index.unique && positionOf(row, index.fields)
    if (!position) continue
    const equal = index.fields.map((field) => `${quote(field)} = ?`)
    const where = [...equal, ...presence(index.fields, table.key), `${quote(table.key)} IS NOT ?`].join(' AND ')
    const from = `${quote(table.name)} INDEXED BY ${quote(indexName(table.name, name, index))}`
    const key = row[table.key]
    if (driver.prepare(`SELECT 1 FROM ${from} WHERE ${where}`).row([...position, isScalar(key) ? key : null])) return name
  }
  return undefined
}
