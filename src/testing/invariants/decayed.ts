import { isRecord, OPERATIONS, STORE_SCHEMA } from '../../core/schema.ts'
import { isDecay, type DecayFault } from '../faults/kinds.ts'
import type { DecayedRow, Fact } from '../world/facts.ts'

/** A row that is wrong, or was. */
export interface Decayed extends DecayedRow {
  readonly kind: DecayFault
  /** Nobody has written it since, and nothing else became of it. */
  isUntouched: boolean
  /** The moment, as `moment` counts them, at which it was put right; undefined: it may be wrong still. */
  mendedAt: number | undefined
}

/** After these everything on a disk is as it was once, or gone. */
const RESETTING: ReadonlySet<string> = new Set(['power-loss', 'evicted'])

/** Which rows of stores have decayed, and what became of that. */
export function watchDecay() {
  const devices = new Map<string, Decayed[]>()
  let facts = 0

  function failed({ where, kind, seqs, decayed }: Extract<Fact, { type: 'fault' }>): void {
    const all = devices.get(where) ?? []
    for (const one of all) {
      if (RESETTING.has(kind) || isHit(one, seqs, decayed)) one.isUntouched = false
      // What had been put right may be as it was before.
      if (RESETTING.has(kind)) one.mendedAt = undefined
    }
    if (decayed === undefined) return
    if (isDecay(kind)) devices.set(where, [...all, { ...decayed, kind, isUntouched: true, mendedAt: undefined }])
  }

  function committed({ device, changes, others }: Extract<Fact, { type: 'committed' }>): void {
    for (const one of devices.get(device) ?? []) {
      const row = one.collection === OPERATIONS ? changes.find(({ seq }) => seq === one.key) : undefined
      const told = row === undefined ? others.find((text) => isAbout(one, text)) : undefined
      if (row === undefined && told === undefined) continue
      one.isUntouched = false
      if (one.kind === 'wrong-field' && told?.endsWith(' sealed anew') === true) continue
      const after = row === undefined ? rowIn(told ?? '') : row.row
      if (one.kind !== 'wrong-field' || after === undefined || fieldIn(after, one.field) !== one.wrong) one.mendedAt ??= facts
      // Who plays it writes what he had read of it, whoever has mended it meanwhile.
      else one.mendedAt = undefined
    }
  }

  return {
    see(fact: Fact): void {
      facts += 1
      if (fact.type === 'committed') committed(fact)
      if (fact.type === 'fault') failed(fact)
    },
    /** How much has happened so far. */
    moment: (): number => facts,
    of: (device: string): readonly Decayed[] => devices.get(device) ?? [],
    /** An operation there does not stand where it belongs: it is not found, or holds up others, until a check mends it. */
    isUnsound: (device: string): boolean =>
      (devices.get(device) ?? []).some(({ collection, mendedAt }) => collection === OPERATIONS && mendedAt === undefined),
  }
}

function isHit({ collection, key }: Decayed, seqs: readonly number[], decayed: DecayedRow | undefined): boolean {
  if (decayed !== undefined) return decayed.collection === collection && decayed.key === key
  return collection === OPERATIONS && seqs.some((seq) => seq === key)
}

/** What was written beside operations is told by its key, or as its text. */
function isAbout({ collection, key }: Decayed, text: string): boolean {
  if (text.startsWith(`${collection}/${key} `)) return true
  return text.startsWith(`${collection} {`) && fieldIn(rowIn(text), STORE_SCHEMA.collections[collection]?.key ?? '') === key
}

/** Undefined where it was removed. */
function rowIn(text: string): unknown {
  const [, found] = /^\w+ (\{.*)$/s.exec(text) ?? []
  return found === undefined ? undefined : JSON.parse(found)
}

function fieldIn(row: unknown, field: string): unknown {
  return isRecord(row) ? row[field] : undefined
}
