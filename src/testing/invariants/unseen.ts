import type { JsonObject } from '../../core/json.ts'
import type { OperationRow } from '../../core/operation.ts'
import { isObject } from '../../core/own.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import type { Effect } from '../world/model-server.ts'
import { STAMP } from '../world/settings.ts'
import { amountOf, isJson, laneIn } from './amounts.ts'
import type { Checker } from './invariant.ts'
import type { Known } from './register.ts'
import { BLINDING, rowsIn } from './replicas.ts'
import { isByPerson, isSame, textOf, unstamped } from './strategies.ts'

/** What the server had confirmed of an entity on a device. */
interface Held {
  readonly version: number
  readonly value: JsonObject | undefined
}

/** What somebody saw of an entity when he changed it. */
interface Seen extends Held {
  /** With his operations that waited. */
  readonly shown: JsonObject | undefined
  readonly waiting: readonly OperationRow[]
  readonly at: number
}

/** Who last changed a field on the server. */
interface Change {
  readonly version: number
  readonly device: string | undefined
}

interface Device {
  readonly held: Map<string, Held>
  isBlind: boolean
}

/** What is queued while others' is being written may not be known to be older than that. */
const GRACE_MS = 100

/**
 * S12: what others made, and who made an operation had not seen, is not replaced by it unless the row of the operation tells what that was: by what each
 * device held when the operation was queued, however it was merged, sent anew or kept waiting since.
 */
export const unseen: Checker = ({ now, register, rowsOf }, report) => {
  const devices = new Map<string, Device>()
  /** By operation and field. */
  const seen = new Map<string, Map<string, Seen>>()
  /** By entity and field. */
  const changes = new Map<string, Map<string, Change>>()
  /** By operation: what the server had after it. */
  const made = new Map<string, JsonObject | undefined>()
  let wasRestored = false

  function deviceOf(name: string): Device {
    const one = devices.get(name) ?? { held: new Map(), isBlind: false }
    devices.set(name, one)
    return one
  }

  function queued(device: string, row: OperationRow): void {
    const lane = laneIn(row)
    const { version = NaN, value } = deviceOf(device).held.get(lane) ?? {}
    const waiting = [...rowsOf(device).values()].filter((other) => other.seq < row.seq && other.lane === lane)
    const shown = amountOf(value, waiting)
    seen.set(row.id, new Map(fieldsOf(row, shown).map((field) => [field, { version, value, shown, waiting, at: now() }])))
  }

  /** What took over others made their changes, too: the newer of two of one field counts. */
  function tookOver(all: readonly RowChange[], { before, row }: RowChange): void {
    if (before === undefined || row === undefined) return
    const older = all.flatMap((change) => (change.row?.supersededBy === row.id ? (change.before ?? []) : []))
    const own = seen.get(row.id)
    const made = new Set(fieldsOf(before, undefined))
    for (const other of older.toSorted((a, b) => b.seq - a.seq))
      for (const [field, one] of seen.get(other.id) ?? []) {
        if (made.has(field)) continue
        own?.set(field, one)
        made.add(field)
      }
  }

  /** What it is compared with is what was shown, if all that was shown was made. */
  function claimed(row: OperationRow): void {
    if (!isJson(row.base) || register.byId(row.id)?.isTainted) return
    for (const [field, { value, shown, waiting }] of seen.get(row.id) ?? []) {
      const isKnown = value !== undefined && shown !== undefined && field !== STAMP && field !== 'version'
      if (!isKnown || !waiting.every((one) => wasMade(one, field)) || isSame(row.base[field], shown[field])) continue
      report('S12', `${row.id} is compared with ${textOf(row.base)}, but it was made on ${textOf(shown)}: ${field} differs.`)
    }
  }

  /** As it was shown: the rules for a conflict may have made something else of it, and a merge leaves out what only says what was there. */
  function wasMade(one: OperationRow, field: string): boolean {
    const { row } = register.byId(one.id) ?? {}
    if (row?.status !== 'done' || row.conflict !== undefined || isEditedSince(one)) return false
    const { payload } = row
    const [isMade, after] = [made.has(one.id), made.get(one.id)]
    return !isMade || !isJson(payload) || !(field in payload) || isSame(payload[field], after?.[field])
  }

  /** What was shown of one that was given up since is what nobody made. */
  function isNotGivenUp({ id }: OperationRow): boolean {
    const status = register.byId(id)?.row.status
    return status !== 'rejected' && status !== 'cancelled'
  }

  function isEditedSince({ id, payload }: OperationRow): boolean {
    return !isSame(register.byId(id)?.row.payload, payload)
  }

  function held(device: string, others: readonly string[]): void {
    const { held } = deviceOf(device)
    for (const { key, version, value, deletedAt } of rowsIn(others)) {
      if (typeof key !== 'string') continue
      held.set(key, { version: Number(version), value: deletedAt === undefined && isJson(value) ? value : undefined })
      for (const one of register.all()) if (one.lane === key && one.device === device) forgive(one.id)
    }
  }

  function forgive(id: string): void {
    const fields = seen.get(id)
    for (const [field, { at }] of fields ?? []) if (now() - at < GRACE_MS) fields?.delete(field)
  }

  function committed({ device, changes: all, others }: Extract<Fact, { type: 'committed' }>): void {
    held(device, others)
    for (const change of all) {
      const { before, row } = change
      if (row === undefined) continue
      // Of what the application says itself that it was made on nothing is known better.
      if ((before === undefined && row.base === undefined) || isEdited(change)) queued(device, row)
      if (row.status !== 'sending' || before?.status !== 'queued') continue
      tookOver(all, change)
      if (!wasRestored && !deviceOf(device).isBlind) claimed(row)
    }
  }

  function took(effect: Effect): void {
    const one = register.byKey(effect.user, effect.key)
    if (one !== undefined) made.set(one.row.id, effect.after)
    const path = `${effect.entity}/${effect.id}`
    const known = changes.get(path) ?? new Map<string, Change>()
    changes.set(path, known)
    const [before, after] = [unstamped(effect.before ?? {}), unstamped(effect.after ?? {})]
    const replaced = fieldsIn(before, after).filter((field) => !isSame(before[field], after[field]))
    if (one !== undefined && !one.isTainted && !wasRestored && !deviceOf(one.device).isBlind && !isByPerson(one.row))
      for (const field of replaced) judge(one, field, effect.before, known.get(field))
    // Who creates it anew has decided about the fields that it lacks, too.
    if (effect.before === undefined) known.clear()
    for (const field of replaced) known.set(field, { version: effect.version, device: one?.device })
  }

  function judge({ row, device }: Known, field: string, before: JsonObject | undefined, last: Change | undefined): void {
    const saw = seen.get(row.id)?.get(field)
    // Made on nothing, or on what was decided otherwise since: it is compared with nothing.
    if (saw?.value === undefined || saw.shown === undefined || saw.waiting.some(isEditedSince)) return
    if (row.type === 'create' && before === undefined) return
    if (last === undefined || last.device === device || !(last.version > saw.version)) return
    const left = amountOf(saw.value, saw.waiting.filter(isNotGivenUp))
    // All that it was made on was given up: of others' it has nothing to be compared with.
    if (left === undefined) return
    const knowns = [saw.value, saw.shown, left]
    if (knowns.some((known) => isSame(before?.[field], known?.[field])) || tells(row, field, before)) return
    report(
      'S12',
      `${row.id} replaced ${field} of ${textOf(before)}, which others made after what it was made on: ${textOf(saw.shown)} of version ${saw.version}.`,
    )
  }

  return {
    see(fact) {
      if (fact.type === 'fault' && fact.kind === 'restored-backup') wasRestored = true
      if (fact.type === 'fault' && (BLINDING.has(fact.kind) || fact.kind === 'corrupt-row'))
        deviceOf(/^d\d+/.exec(fact.where)?.[0] ?? '').isBlind = true
      if (fact.type === 'committed') committed(fact)
      if (fact.type === 'served') fact.effects.forEach(took)
    },
  }
}

function tells({ conflict }: OperationRow, field: string, before: JsonObject | undefined): boolean {
  if (conflict === undefined) return false
  if (before === undefined) return conflict.remote === undefined
  return isObject(conflict.remote) && isSame(conflict.remote[field], before[field])
}

/** Those that it makes; all, if it replaces the whole. */
function fieldsOf({ type, payload }: OperationRow, value: JsonObject | undefined): readonly string[] {
  const given = isObject(payload) ? payload : {}
  return type === 'update' ? Object.keys(given) : fieldsIn(given, value ?? {})
}

function fieldsIn(...values: readonly JsonObject[]): readonly string[] {
  return [...new Set(values.flatMap((value) => Object.keys(value)))]
}

/** Somebody has given it another content, after it was sent. */
function isEdited({ before, row }: RowChange): boolean {
  if (before === undefined || row === undefined || isSame(before.payload, row.payload)) return false
  return before.status === 'parked' || (before.status === 'waiting' && row.status === 'waiting' && before.attempts > 0)
}
