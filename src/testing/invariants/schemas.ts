import type { JsonObject } from '../../core/json.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { Fact } from '../world/facts.ts'
import { hasSchema, isValid } from '../world/schemas.ts'
import { amountOf, isJson, laneIn } from './amounts.ts'
import type { Checker } from './invariant.ts'
import { applied } from './merging.ts'
import { undoneBy } from './register.ts'
import { BLINDING as ALWAYS_BLINDING, rowsIn } from './replicas.ts'

/** What a note amounts to from then on. */
interface Moment {
  readonly at: number
  readonly value: JsonObject | undefined
}

interface Device {
  readonly bases: Map<string, JsonObject>
  /** By lane, in order. */
  readonly moments: Map<string, Moment[]>
  isBlind: boolean
}

const BLINDING: ReadonlySet<string> = new Set([...ALWAYS_BLINDING, 'corrupt-row'])
const CHECKED: ReadonlySet<string> = new Set(['create', 'update', 'replace'])
/** An operation that nobody asked for with a call of his own is another's, tried again. */
const LONG_AGO_MS = 60_000

/**
 * S3: what a schema refuses is not stored, by what the operation makes of what was known of the entity at some moment between the call and its commit; and what
 * was refused leaves nothing. S14: no value of the server that it refuses is stored, and so none is shown.
 */
export const schemas: Checker = ({ now, settings, rowsOf }, report) => {
  const devices = new Map<string, Device>()
  /** By tab and ticket: what is asked for, and since when. */
  const asked = new Map<string, Map<number, { at: number; contents: readonly string[] }>>()
  /** By device: contents that were refused. */
  const refused = new Map<string, Set<string>>()

  function deviceOf(name: string): Device {
    const one = devices.get(name) ?? { bases: new Map(), moments: new Map(), isBlind: false }
    devices.set(name, one)
    return one
  }

  function askedSince(tab: string): number {
    const open = [...(asked.get(tab)?.values() ?? [])].map(({ at }) => at)
    return open.length === 0 ? now() - LONG_AGO_MS : Math.min(...open)
  }

  /** All that it could have been judged on. */
  function groundsOf({ moments }: Device, lane: string, since: number): readonly (JsonObject | undefined)[] {
    const all = moments.get(lane) ?? []
    const first = all.findLastIndex(({ at }) => at < since)
    return first === -1 ? [undefined, ...all.map(({ value }) => value)] : all.slice(first).map(({ value }) => value)
  }

  function stored(tab: string, name: string, row: OperationRow, before: readonly OperationRow[]): void {
    // What takes another back is judged by no schema.
    if (undoneBy(row) !== undefined) return
    if (refused.get(name)?.has(JSON.stringify(row.payload)))
      report('S3', `${tab} stored ${row.id}, though ${JSON.stringify(row.payload)} was refused.`)
    if (!CHECKED.has(row.type)) return
    const makes = groundsOf(deviceOf(name), laneIn(row), askedSince(tab)).map((value) => [...before, row].reduce(madeOf, value))
    if (makes.length > 0 && makes.every((value) => value !== undefined && !isValid(value)))
      report('S3', `${tab} stored ${row.id}, which makes ${JSON.stringify(makes.at(-1))}.`)
  }

  function committed({ tab, device: name, changes, others }: Extract<Fact, { type: 'committed' }>): void {
    const device = deviceOf(name)
    const added = changes.flatMap(({ before, row }) => (before === undefined && row?.entity === 'note' ? [row] : []))
    if (!device.isBlind)
      for (const [at, row] of added.entries())
        stored(
          tab,
          name,
          row,
          added.slice(0, at).filter((other) => laneIn(other) === laneIn(row)),
        )
    const lanes = new Set(
      changes.flatMap(({ before, row }) => [before, row].flatMap((one) => (one === undefined ? [] : [laneIn(one)]))),
    )
    for (const { key, value, deletedAt, isReckoned } of rowsIn(others)) {
      if (typeof key !== 'string') continue
      lanes.add(key)
      if (deletedAt === undefined && isJson(value)) device.bases.set(key, value)
      else device.bases.delete(key)
      if (isReckoned !== true && isJson(value) && key.includes('/note/') && !isValid(value))
        report('S14', `${tab} took ${JSON.stringify(value)} as ${key} from the server, which the schema refuses.`)
    }
    for (const lane of lanes) {
      const live = [...rowsOf(name).values()].filter((row) => row.lane === lane)
      const known = device.moments.get(lane) ?? []
      device.moments.set(lane, [...known, { at: now(), value: amountOf(device.bases.get(lane), live) }])
    }
  }

  function answered({ tab, ticket }: { readonly tab: string; readonly ticket: number }): readonly string[] {
    const one = asked.get(tab)?.get(ticket)
    asked.get(tab)?.delete(ticket)
    return one?.contents ?? []
  }

  return {
    see(fact) {
      if (settings.schemas.length === 0) return
      if (fact.type === 'fault' && BLINDING.has(fact.kind)) deviceOf(/^d\d+/.exec(fact.where)?.[0] ?? '').isBlind = true
      else if (fact.type === 'tab' && fact.change === 'killed') asked.delete(fact.tab)
      else if (fact.type === 'asked') {
        const open = asked.get(fact.tab) ?? new Map<number, { at: number; contents: readonly string[] }>()
        const contents = fact.inputs.map(({ payload }) => JSON.stringify(payload ?? null))
        asked.set(fact.tab, open.set(fact.ticket, { at: now(), contents }))
      } else if (fact.type === 'accepted') answered(fact)
      else if (fact.type === 'declined') {
        const contents = answered(fact)
        if (fact.code !== 'invalid') return
        refused.set(fact.device, new Set([...(refused.get(fact.device) ?? []), ...contents]))
      } else if (fact.type === 'committed' && hasSchema(settings.schemas, fact.device)) committed(fact)
    },
  }
}

function madeOf(value: JsonObject | undefined, { type, payload }: OperationRow): JsonObject | undefined {
  return type === 'update' && value === undefined ? undefined : applied(value, { type, payload })
}
