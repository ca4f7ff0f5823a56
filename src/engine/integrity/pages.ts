import type { Entry, IndexKey, Scalar, ScanQuery } from '../../core/ports.ts'
import { isRecord, STORE_SCHEMA } from '../../core/schema.ts'
import type { RowStorage } from '../shaped-storage.ts'

/** So many rows at once: the engine goes on between two pages. */
const PAGE = 200

export async function* pagesOf(
  storage: RowStorage,
  collection: string,
  query: Omit<ScanQuery, 'limit'> = {},
): AsyncGenerator<readonly Entry[]> {
  for (let gt = query.gt; ;) {
    const page = await storage.scan(collection, { ...query, limit: PAGE, ...(gt === undefined ? {} : { gt }) })
    if (page.length > 0) yield page
    gt = page.at(-1)?.position
    if (page.length < PAGE || gt === undefined) return
  }
}

/** Rows of a collection whose key is a number, at one moment of the store. */
export async function rowsAt(
  storage: RowStorage,
  collection: string,
  keys: readonly number[],
): Promise<readonly (Entry | undefined)[]> {
  const found = await storage.scanMany(
    collection,
    keys.map((key) => ({ prefix: [key], limit: 1 })),
  )
  return found.map(([entry]) => entry)
}

/** Where so many stand at one place of an index it is not told whether one of them is missing. */
const ALIKE = 8

function hasIt(page: readonly Entry[], { key }: Entry): boolean {
  return page.length === ALIKE || page.some((one) => one.key === key)
}

interface Place {
  readonly index: string
  readonly position: IndexKey
}

/** Where a row stands in the indexes of its collection. */
function placesOf(collection: string, value: unknown): readonly Place[] {
  if (!isRecord(value)) return []
  return Object.entries(STORE_SCHEMA.collections[collection]?.indexes ?? {}).flatMap(([index, { fields }]) => {
    const position = fields.map((field) => value[field])
    return position.every(isScalar) ? [{ index, position }] : []
  })
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number'
}

/** Those of these rows that an index does not have where they belong. What moves meanwhile may be among them. */
export async function missedByIndexes(
  storage: RowStorage,
  collection: string,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  const places = entries.flatMap((entry) => placesOf(collection, entry.value).map((place) => ({ ...place, entry })))
  const found = await storage.scanMany(
    collection,
    places.map(({ index, position }) => ({ index, prefix: position, limit: ALIKE })),
  )
  const missed = new Set(places.filter(({ entry }, at) => !hasIt(found[at] ?? [], entry)).map(({ entry }) => entry))
  return [...missed]
}

/** Whether the row stands where it belongs in all indexes, at one moment of the store. `changed` if it is another by now. */
export async function isPlaced(storage: RowStorage, collection: string, entry: Entry): Promise<boolean | 'changed'> {
  const places = placesOf(collection, entry.value)
  const [[now] = [], ...found] = await storage.scanMany(collection, [
    { prefix: [entry.key], limit: 1 },
    ...places.map(({ index, position }) => ({ index, prefix: position, limit: ALIKE })),
  ])
  if (now === undefined || JSON.stringify(now.value) !== JSON.stringify(entry.value)) return 'changed'
  return found.every((page) => hasIt(page, entry))
}

/** Rows that an index has where they do not belong. Each is read together with its place, so what moves meanwhile is not among them. */
export async function* strays(storage: RowStorage, collection: string): AsyncGenerator<Entry> {
  for (const index of Object.keys(STORE_SCHEMA.collections[collection]?.indexes ?? {})) {
    for await (const page of pagesOf(storage, collection, { index })) {
      for (const entry of page) {
        const stray = isRecord(entry.value) ? entry : await readAlone(storage, collection, index, entry)
        if (stray !== undefined && !stands(collection, index, stray)) yield stray
      }
    }
  }
}

/** A store that seals its rows gives none where its fields do not say so: then it is read by its key, at the same moment of the store. */
async function readAlone(
  storage: RowStorage,
  collection: string,
  index: string,
  { key, position }: Entry,
): Promise<Entry | undefined> {
  const [[own] = [], there = []] = await storage.scanMany(collection, [
    { prefix: [key], limit: 1 },
    { index, prefix: position, limit: ALIKE },
  ])
  return own !== undefined && isRecord(own.value) && there.some((one) => one.key === key) ? { ...own, position } : undefined
}

function stands(collection: string, index: string, { value, position }: Entry): boolean {
  const place = placesOf(collection, value).find((one) => one.index === index)
  return place !== undefined && place.position.every((part, at) => part === position[at])
}
