import type { JsonObject } from '../../core/json.ts'
import { wireKey, type OperationRow } from '../../core/operation.ts'
import { isObject } from '../../core/own.ts'
import { TRANSACTION_FAILED } from '../../core/transaction.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import type { Effect } from '../world/model-server.ts'
import { patched } from '../world/patched.ts'
import { isRefused } from '../world/schemas.ts'
import { STAMP } from '../world/settings.ts'
import { isJson, laneIn } from './amounts.ts'
import type { Checker } from './invariant.ts'
import { rowsIn } from './replicas.ts'
import {
  disputed,
  isByPerson,
  isSame,
  outcomeOf,
  outcomeOfDeletion,
  rulesOf,
  textOf,
  unstamped,
  type Sides,
} from './strategies.ts'

interface Resent extends Sides {
  readonly row: OperationRow
  readonly later: Later
}

/** `unknown`: it can't be told, for a clock has jumped or stands at the limit. */
type Later = 'local' | 'remote' | 'unknown'

/** Stamps further ahead than this tell nothing. */
const DRIFT_MS = 300_000
const CLOCK_GRACE_MS = 20_000

/**
 * S12: of the fields that an update and the server changed since, each that only one side changed survives; what both changed ends as the rules say, and
 * nothing is called a conflict that is none; where one value must give way to the other, the row keeps it.
 */
export const threeWay: Checker = ({ now, register, settings, valueOf, wallTimeOf, deviceOf }, report) => {
  const versions = new Map<string, JsonObject | undefined>()
  /** What each tab was last shown of an entity. */
  const looks = new Map<string, JsonObject | undefined>()
  /** What each operation was made on, however often it was sent again on something newer. Of one that waited behind others the row tells it, and `unseen` whether that is true. */
  const madeOn = new Map<string, JsonObject | undefined>()
  const resent = new Map<string, Resent>()
  /** By device and lane: up to which operation. */
  const gone = new Map<string, number>()
  /** What a function of the application would not decide, by tab and operation: a person is asked. */
  const undecided = new Set<string>()
  /** Devices. */
  const pulled = new Set<string>()
  /** By device and entity: the version that the server last confirmed. */
  const held = new Map<string, string>()
  /** When the clock of a device last jumped, and by how much it is off. */
  const clocks = new Map<string, { skewMs: number; jumpedAt: number }>()

  function baseOf(row: OperationRow): JsonObject | undefined {
    if (!madeOn.has(row.id)) madeOn.set(row.id, toldBy(row) ?? keptOf(row))
    return madeOn.get(row.id)
  }

  /** Where entities are pulled, and where it is sent on an older version than what is held, the row tells it, or nobody knows. */
  function keptOf(row: OperationRow): JsonObject | undefined {
    const device = register.byId(row.id)?.device ?? ''
    const version = held.get(`${device} ${laneIn(row)}`) ?? row.baseVersion
    const isGone = row.seq <= (gone.get(`${device} ${laneIn(row)}`) ?? 0)
    return pulled.has(device) || isGone || version !== row.baseVersion ? undefined : versionOf(row)
  }

  /** Made on what was deleted before it: of that no version is left, though the row names one. */
  function learnGone(device: string, others: readonly string[]): void {
    for (const { key, earlier } of rowsIn(others)) {
      if (typeof key !== 'string' || !Array.isArray(earlier)) continue
      const ends = earlier.flatMap((one: unknown) => (isJson(one) && one['value'] === undefined ? Number(one['upTo']) : []))
      gone.set(`${device} ${key}`, Math.max(0, ...ends))
    }
  }

  function versionOf({ entity, entityId, baseVersion }: OperationRow): JsonObject | undefined {
    return versions.get(`/${entity}/${entityId}@${baseVersion}`)
  }

  function sidesOf(row: OperationRow): Sides | undefined {
    const base = baseOf(row)
    if (base === undefined || !isObject(row.payload)) return undefined
    return { base: unstamped(base), local: unstamped(patched(base, row.payload)) }
  }

  /** A value that the schema of the device refuses it has never had. */
  function heldSidesOf(tab: string, row: OperationRow): Sides | undefined {
    const sides = sidesOf(row)
    return isRefused(settings, deviceOf(tab) ?? '', row.entity, sides?.base) ? undefined : sides
  }

  function laterOf(tab: string, { hlc = '' }: OperationRow, remote: JsonObject | undefined): Later {
    if (settings.conflict !== 'lastWriteWins') return 'local'
    const theirs = remote?.[STAMP]
    const wallMs = wallTimeOf(deviceOf(tab) ?? '')
    if (now() - (clocks.get(deviceOf(tab) ?? '')?.jumpedAt ?? -Infinity) < CLOCK_GRACE_MS) return 'unknown'
    if (typeof theirs !== 'string') return 'local'
    const ahead = [hlc, theirs].map((stamp) => msIn(stamp) - wallMs - DRIFT_MS)
    if (ahead.some((ms) => Math.abs(ms) < CLOCK_GRACE_MS)) return 'unknown'
    return ahead.some((ms) => ms > 0) || hlc > theirs ? 'local' : 'remote'
  }

  function decided(tab: string, { before, row }: RowChange): void {
    if (before?.status === 'parked' && row !== undefined && !isSame(before.payload, row.payload)) madeOn.delete(row.id)
    if (row?.conflict?.resolution === 'value' && before?.conflict?.resolution === 'pending')
      madeOn.set(row.id, toldBy(row) ?? versionOf(row))
    if (before?.status !== 'reconciling' || row === undefined || register.byId(row.id)?.isTainted) return
    if (row.status !== 'sending' && row.status !== 'done' && row.status !== 'rollingBack' && row.status !== 'parked') return
    // It goes with its transaction, whatever would have become of it alone.
    if (isGivenUp(row) && row.lastError?.code === TRANSACTION_FAILED) return
    if (undecided.delete(`${tab} ${row.id}`) && row.status === 'parked') return
    const place = `${tab} /${row.entity}/${row.entityId}`
    if (!looks.has(place)) return resentUnseen(before, row)
    const remote = looks.get(place)
    if (before.type === 'update' && remote !== undefined) decidedUpdate(tab, before, row, remote)
    else if (before.type === 'delete' || (remote === undefined && isMadeOnSomething(before)))
      decidedDeletion(tab, before, row, remote)
  }

  /** On what it is sent is seen when it arrives. */
  function resentUnseen(before: OperationRow, row: OperationRow): void {
    const sides = before.type === 'update' && row.status === 'sending' ? sidesOf(before) : undefined
    const later = settings.conflict === 'lastWriteWins' ? 'unknown' : 'local'
    if (sides !== undefined) resent.set(`${row.user} ${wireKey(row)}`, { ...sides, row, later })
  }

  function decidedUpdate(tab: string, before: OperationRow, row: OperationRow, stamped: JsonObject): void {
    const sides = heldSidesOf(tab, before)
    if (sides === undefined) return
    const remote = unstamped(stamped)
    const later = laterOf(tab, before, stamped)
    if (row.status === 'sending') resent.set(`${row.user} ${wireKey(row)}`, { ...sides, row, later })
    if (row.status === 'done' && isMissing(before, remote) && !isPartlyThere(before, sides, remote))
      report('S12', `${row.id} is done, but it made ${textOf(before.payload)}, and the server has ${textOf(remote)}.`)
    const isGivenUpFor = row.status === 'rollingBack' || (row.status === 'parked' && row.lastError?.code === 'conflict')
    if (isGivenUpFor && row.conflict?.strategy !== 'schema' && disputed(sides, remote).length === 0)
      report('S12', `${row.id} was given up for a conflict, but no field was changed on both sides: ${inWords(sides, remote)}.`)
    if (
      later === 'unknown' ||
      isByPerson(before) ||
      row.status === 'done' ||
      (row.lastError?.code !== 'conflict' && isGivenUp(row))
    )
      return
    const outcome = outcomeOf(sides, remote, rulesOf(row.entity, settings), later)
    const isLeft = isLeftToPerson(tab, row, remote, typeof outcome === 'string' ? undefined : outcome.value)
    ended(row, isLeft ? 'manual' : typeof outcome === 'string' ? outcome : 'local', inWords(sides, remote))
  }

  function decidedDeletion(tab: string, before: OperationRow, row: OperationRow, remote: JsonObject | undefined): void {
    if (isByPerson(before) || row.status === 'done' || (isGivenUp(row) && row.lastError?.code !== 'conflict')) return
    if (before.looksFirst && remote !== undefined) return lookedFirst(before, row, remote)
    const base = baseOf(before)
    if (before.type === 'delete' && (base === undefined || remote === undefined || isSame(base, remote))) return
    const later = laterOf(tab, before, remote)
    if (later === 'unknown') return
    const outcome = outcomeOfDeletion(before.type, rulesOf(row.entity, settings), later)
    const made = outcome === 'local' && before.type === 'update'
    const local = made ? heldSidesOf(tab, before)?.local : undefined
    // What an update makes of a value that nobody knows may be refused.
    if (made && local === undefined && row.conflict?.strategy === 'schema') return
    const isLeft = isLeftToPerson(tab, row, remote, local)
    ended(row, isLeft ? 'manual' : outcome, `to ${before.type} what the server has as ${textOf(remote)}`)
  }

  /** Of what a create whose answer never came would have made, something is there, or others made it. */
  function lookedFirst(before: OperationRow, { id, status }: OperationRow, remote: JsonObject): void {
    const made = toldBy(before) ?? {}
    const fields = Object.keys(made)
    const isThere = fields.length === 0 || fields.some((field) => isSame(made[field], remote[field]))
    if ((status === 'sending') !== isThere)
      report('S12', `${id}, which takes back ${textOf(made)}, is ${status}, and the server has ${textOf(remote)}.`)
  }

  /** What the schema of the device refuses is neither merged with nor made. */
  function isLeftToPerson(
    tab: string,
    { entity }: OperationRow,
    remote: JsonObject | undefined,
    made: JsonObject | undefined,
  ): boolean {
    return [remote, made].some((value) => isRefused(settings, deviceOf(tab) ?? '', entity, value))
  }

  function ended({ id, status, entity }: OperationRow, outcome: 'local' | 'remote' | 'manual', story: string): void {
    const wanted = outcome === 'local' ? 'sending' : outcome === 'remote' ? 'rollingBack' : 'parked'
    if (status !== wanted)
      report('S12', `${id} is ${status} where ${rulesOf(entity, settings).strategy} wants it to be ${wanted}: ${story}.`)
  }

  function applied({ user, key, method, before, after: stamped }: Effect): void {
    const sides = resent.get(`${user} ${key}`)
    if (sides === undefined || method !== 'PATCH' || before === undefined || stamped === undefined) return
    // A loss of power has taken back on what it was sent: what it is sent on again is not looked at, either.
    if (register.byId(sides.row.id)?.isTainted) return
    const [remote, after] = [unstamped(before), unstamped(stamped)]
    const { row } = sides
    for (const field of disputed(sides, remote)) {
      // What it was made on was not known, and nothing is there that it could replace.
      if (remote[field] === undefined && !(isJson(row.base) && field in row.base)) continue
      const kept = row.conflict?.remote
      if (isSame(after[field], remote[field]) || (isObject(kept) && isSame(kept[field], remote[field]))) continue
      report('S12', `${row.id} replaced the server's ${field}, and its row does not tell what that was.`)
    }
    if (isByPerson(row)) return
    const later = sides.later === 'unknown' ? 'local' : sides.later
    const outcome = outcomeOf(sides, remote, rulesOf(row.entity, settings), later)
    if (sides.later === 'unknown' || typeof outcome === 'string' || isSame(after, outcome.value)) return
    report('S12', `${row.id} made ${textOf(after)} instead of ${textOf(outcome.value)}: ${inWords(sides, remote)}.`)
  }

  function served({ request, effects }: Extract<Fact, { type: 'served' }>): void {
    if (request.method === 'GET') looks.set(`${request.tab} ${request.path}`, valueOf(request.path))
    for (const effect of effects) {
      applied(effect)
      versions.set(`/${effect.entity}/${effect.id}@${effect.version}`, effect.after)
    }
  }

  function watchClock(device: string): void {
    const skewMs = wallTimeOf(device) - now()
    const known = clocks.get(device)
    if (known?.skewMs !== skewMs) clocks.set(device, { skewMs, jumpedAt: known === undefined ? -Infinity : now() })
  }

  return {
    see(fact) {
      if (fact.type === 'committed') {
        watchClock(fact.device)
        learnGone(fact.device, fact.others)
        if (rowsIn(fact.others).some(({ name }) => typeof name === 'string' && name.startsWith('pull/'))) pulled.add(fact.device)
        for (const change of fact.changes) decided(fact.tab, change)
        // What a look told is written with what was decided by it.
        for (const { key, version } of rowsIn(fact.others))
          if (typeof key === 'string' && typeof version === 'string') held.set(`${fact.device} ${key}`, version)
      }
      if (fact.type === 'served') served(fact)
      if (fact.type === 'consulted' && fact.answer !== 'said') undecided.add(`${fact.tab} ${fact.operation}`)
    },
  }
}

function msIn(stamp: string): number {
  return Number(stamp.slice(0, stamp.indexOf('-')))
}

function isMadeOnSomething({ type, baseVersion }: OperationRow): boolean {
  return type === 'update' || (type === 'replace' && baseVersion !== undefined)
}

function isGivenUp({ status }: OperationRow): boolean {
  return status === 'parked' || status === 'rollingBack'
}

/** What was sent anew is what the rules had left of it. */
function isPartlyThere({ reconciliations }: OperationRow, { base, local }: Sides, remote: JsonObject): boolean {
  const changed = Object.keys(local).filter((field) => !isSame(local[field], base[field]))
  return reconciliations > 0 && changed.some((field) => isSame(local[field], remote[field]))
}

function isMissing({ payload }: OperationRow, remote: JsonObject): boolean {
  return isObject(payload) && textOf(patched(remote, unstamped(payload))) !== textOf(remote)
}

function inWords({ base, local }: Sides, remote: JsonObject): string {
  return `of ${textOf(base)} it made ${textOf(local)}, and the server ${textOf(remote)}`
}

/** What the row says that it was made on, without what the server says of that beside. */
function toldBy({ base }: OperationRow): JsonObject | undefined {
  if (!isJson(base)) return undefined
  return Object.fromEntries(Object.entries(base).filter(([field]) => field !== 'id' && field !== 'version'))
}
