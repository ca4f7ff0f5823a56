import { isRow, isScalar, type Row } from '../../adapters/rows.ts'
import { deleteRow, putRow, type Table } from '../../adapters/memory/table.ts'
import { laneOf } from '../../core/operation.ts'
import type { Scalar } from '../../core/ports.ts'
import { SEALED } from '../../core/sealed.ts'
import { CONFLICTS, ENTITIES, OPERATIONS } from '../../core/schema.ts'
import type { DecayFault } from '../faults/kinds.ts'
import type { Device } from './device.ts'
import { unsealed } from './encryption.ts'
import type { DecayedRow } from './facts.ts'

/** Which row of a store decays, and how. */
export interface Decay {
  readonly collection: typeof OPERATIONS | typeof ENTITIES | typeof CONFLICTS
  /** The row does not stand in the index where it belongs; otherwise it says itself what is wrong, and stands there. */
  readonly isTorn: boolean
  /** Of all, in [0, 1). */
  readonly row: number
  /** Of all that can go wrong with it. */
  readonly change: number
}

interface Hit {
  readonly kind: DecayFault
  readonly seqs: readonly number[]
  readonly decayed: DecayedRow
}

type Change = Pick<DecayedRow, 'field' | 'wrong'>

/** More rows than this at one place of an index are not looked through. */
const ALIKE = 8
const FAR = 1_000

/**
 * Damages one field of an index behind everybody's back; of a row that was not hit before, for a second time might put right what the first did. Undefined if
 * nothing is there to be hit.
 */
export function decay(
  { disk }: Device,
  { collection, isTorn, row, change }: Decay,
  wasHit: (collection: string, key: Scalar) => boolean,
): Hit | undefined {
  const table = disk.tables?.get(collection)
  const keys = [...(table?.rows.keys() ?? [])].filter((key) => collection !== OPERATIONS || !disk.damaged.has(Number(key)))
  const key = keys[Math.floor(row * keys.length)]
  const stored = key === undefined ? undefined : rowIn(table, key)
  if (table === undefined || key === undefined || stored === undefined || wasHit(collection, key)) return undefined
  const seen = unsealed(stored)
  const changes = isRow(seen) ? (isTorn ? tornChanges(collection, seen, table) : wrongChanges(collection, seen, stored)) : []
  const one = changes[Math.floor(change * changes.length)]
  if (one === undefined || !isRow(seen)) return undefined
  const changed = withChange(stored, one)
  putRow(table, key, changed, JSON.stringify(isTorn ? stored : changed))
  const kind = isTorn ? 'misplaced-row' : 'wrong-field'
  return {
    kind,
    seqs: collection === OPERATIONS ? [Number(key)] : [],
    decayed: { collection, key, user: userOf(collection, key, seen), ...one },
  }
}

/** Which row of a replica is to differ from what the server has. */
export interface ReplicaDecay {
  /** Of all, in [0, 1). */
  readonly row: number
  /** It is lost; otherwise it is as it never was. */
  readonly isGone: boolean
}

/** No version that the server gives. */
const NEVER_GIVEN = '0'

/** What nobody can tell who does not ask the server. Undefined if nothing is there to be hit. */
export function spoil({ disk, user }: Device, { row, isGone }: ReplicaDecay): Hit | undefined {
  const table = disk.tables?.get(ENTITIES)
  const keys = [...(table?.rows.keys() ?? [])].filter((key) => isHeld(rowIn(table, key)) && userOf(ENTITIES, key, {}) === user)
  const key = keys[Math.floor(row * keys.length)]
  const stored = key === undefined ? undefined : rowIn(table, key)
  if (table === undefined || key === undefined || stored === undefined) return undefined
  const isLost = isGone || SEALED in stored
  const changed = { ...stored, version: NEVER_GIVEN, value: { a: NEVER_GIVEN } }
  if (isLost) deleteRow(table, key)
  else putRow(table, key, changed, JSON.stringify(changed))
  const decayed = { collection: ENTITIES, key, user, field: 'version', wrong: isLost ? undefined : NEVER_GIVEN }
  return { kind: 'wrong-replica', seqs: [], decayed }
}

/** What the server is known to have. */
function isHeld(stored: Row | undefined): boolean {
  const seen = stored === undefined ? undefined : unsealed(stored)
  return isRow(seen) && seen['value'] !== undefined && seen['version'] !== undefined && seen['deletedAt'] === undefined
}

function rowIn(table: Table | undefined, key: Scalar): Row | undefined {
  try {
    const row: unknown = JSON.parse(table?.rows.get(key)?.text ?? '')
    return isRow(row) ? row : undefined
  } catch {
    return undefined
  }
}

function withChange(row: Row, { field, wrong }: Change): Row {
  const { [field]: _, ...kept } = row
  return wrong === undefined ? kept : { ...kept, [field]: wrong }
}

function userOf(collection: string, key: Scalar, row: Row): string {
  if (collection === ENTITIES) return decodeURIComponent(String(key).split('/', 1)[0] ?? '')
  return typeof row['user'] === 'string' ? row['user'] : ''
}

/** Each index by the field that no other index has; with what an operation may have there that belongs in none. */
const FIELDS: Readonly<Record<Decay['collection'], readonly string[]>> = {
  [OPERATIONS]: ['id', 'lane', 'rank', 'dueAt', 'finishedAt', 'chosenKey', 'dedupeKey'],
  [ENTITIES]: ['rev', 'deletedAt'],
  [CONFLICTS]: ['since'],
}

function tornChanges(collection: Decay['collection'], row: Row, table: Table): readonly Change[] {
  const own = FIELDS[collection].flatMap((field): readonly Change[] => {
    const value = row[field]
    if (!isScalar(value) || (field === 'deletedAt' && hasManyAt(table, value))) return []
    return [
      { field, wrong: undefined },
      { field, wrong: otherThan(value) },
    ]
  })
  return [...own, ...added(collection, row)]
}

function hasManyAt(table: Table, deletedAt: Scalar): boolean {
  const places = table.indexes.get('deleted')?.places ?? []
  return places.filter(({ position }) => position[0] === deletedAt).length >= ALIKE
}

function otherThan(value: Scalar): Scalar {
  return typeof value === 'number' ? value + FAR : `${value}z`
}

/** What it must not have. */
function added(collection: Decay['collection'], row: Row): readonly Change[] {
  if (collection === ENTITIES && row['value'] !== undefined && row['deletedAt'] === undefined)
    return [{ field: 'deletedAt', wrong: 1 }]
  if (collection !== OPERATIONS) return []
  const lane = laneOf(String(row['user']), String(row['entity']), String(row['entityId']))
  const own = { lane, rank: 1, dueAt: 1, finishedAt: 1 }
  return Object.entries(own).flatMap(([field, wrong]) => (row[field] === undefined ? [{ field, wrong }] : []))
}

/** Only what contradicts the rest of the row: nobody could tell anything else. What is sealed can't be changed so that it can be read. */
function wrongChanges(collection: Decay['collection'], row: Row, stored: Row): readonly Change[] {
  if (SEALED in stored) return []
  if (collection === ENTITIES) return added(collection, row)
  if (collection === CONFLICTS)
    return [
      { field: 'status', wrong: row['status'] === 'pending' ? 'resolved' : 'pending' },
      { field: 'since', wrong: Number(row['since']) + FAR },
    ]
  const gone = ['lane', 'rank', 'dueAt', 'finishedAt'].filter((field) => row[field] !== undefined)
  const other = ['lane', 'chosenKey'].filter((field) => row[field] !== undefined)
  return [
    ...gone.map((field) => ({ field, wrong: undefined })),
    ...other.map((field) => ({ field, wrong: `${String(row[field])}z` })),
    ...added(collection, row),
  ]
}
