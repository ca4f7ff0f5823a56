import type { JsonObject } from '../../core/json.ts'
import type { OperationRow } from '../../core/operation.ts'
import { isObject } from '../../core/own.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import { patched } from '../world/patched.ts'
import type { Checker } from './invariant.ts'
import { textOf } from './strategies.ts'

/** What a lane may begin on: something that no operation of the workload writes. */
const BASE: JsonObject = { a: -1, b: -1, c: -1, kept: -1 }

/** S16: what took over others comes to the same as all of them in order, and what undid itself was made and deleted. */
export const merging: Checker = (_, report) => {
  function merged(changes: readonly RowChange[], survivor: RowChange): void {
    const { before, row } = survivor
    if (before === undefined || row === undefined) return
    const older = changes.filter((change) => change.row?.status === 'superseded' && change.row.supersededBy === row.id)
    const group = [...older.flatMap((change) => change.before ?? []), before].toSorted((a, b) => a.seq - b.seq)
    if (older.length === 0 || group.some(({ status }) => status !== 'queued')) return
    const base = group[0]?.type === 'create' ? undefined : BASE
    const [apart, together] = [group.reduce<JsonObject | undefined>(applied, base), applied(base, row)]
    if (textOf(apart) !== textOf(together))
      report('S16', `${row.id} took over ${older.length} and makes ${textOf(together)}, but in order they make ${textOf(apart)}.`)
  }

  function cancelled({ changes, epoch }: Extract<Fact, { type: 'committed' }>): void {
    if (epoch === undefined) return
    const lanes = new Map<string, OperationRow[]>()
    for (const { before, row } of changes) {
      if (row?.status !== 'cancelled' || before?.lane === undefined) continue
      lanes.set(before.lane, [...(lanes.get(before.lane) ?? []), before])
    }
    for (const [lane, rows] of lanes) {
      const types = rows.toSorted((a, b) => a.seq - b.seq).map(({ type }) => type)
      if (types[0] !== 'create' || types.at(-1) !== 'delete')
        report('S16', `In ${lane} ${types.join(', ')} were cancelled, which do not undo each other.`)
    }
  }

  return {
    see(fact) {
      if (fact.type !== 'committed') return
      for (const change of fact.changes) if (change.row?.status === 'sending') merged(fact.changes, change)
      cancelled(fact)
    },
  }
}

export function applied(
  value: JsonObject | undefined,
  { type, payload }: Pick<OperationRow, 'type' | 'payload'>,
): JsonObject | undefined {
  if (type === 'delete') return undefined
  if (!isObject(payload)) return value
  return type === 'update' ? patched(value, payload) : payload
}
