import { isNews } from '../../core/conflict-row.ts'
import type { OperationRow } from '../../core/operation.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import { laneIn } from './amounts.ts'
import type { Checker } from './invariant.ts'
import { baseOf, BLINDING, rowsIn, type Base } from './replicas.ts'

interface Device {
  readonly bases: Map<string, Base>
  isBlind: boolean
}

/** S12: what a look at the server told in a conflict is in the store with that step, or something newer, where it is kept or a person decides: what is changed next is made on it. */
export const sights: Checker = ({ register }, report) => {
  const devices = new Map<string, Device>()
  let wasRestored = false

  function deviceOf(name: string): Device {
    const one = devices.get(name) ?? { bases: new Map(), isBlind: false }
    devices.set(name, one)
    return one
  }

  function looked(tab: string, { bases }: Device, { before, row }: RowChange): void {
    if (before?.status !== 'reconciling' || row === undefined || register.byId(row.id)?.isTainted) return
    const version = toldVersion(row)
    if (version === undefined || !isNews(row, before)) return
    const base = bases.get(laneIn(row))
    if (base !== undefined && (base.isGone || base.version >= version)) return
    report(
      'S12',
      `${tab} has seen version ${version} of ${row.entity}/${row.entityId} for ${row.id}, which is ${row.status}, and keeps version ${base?.version ?? 'none'}.`,
    )
  }

  function committed({ tab, device, changes, others }: Extract<Fact, { type: 'committed' }>): void {
    const one = deviceOf(device)
    for (const row of rowsIn(others)) {
      const base = baseOf(row)
      if (base !== undefined) one.bases.set(base.key, base)
    }
    if (!one.isBlind && !wasRestored) for (const change of changes) looked(tab, one, change)
  }

  return {
    see(fact) {
      if (fact.type === 'fault' && fact.kind === 'restored-backup') wasRestored = true
      if (fact.type === 'fault' && BLINDING.has(fact.kind)) deviceOf(/^d\d+/.exec(fact.where)?.[0] ?? '').isBlind = true
      if (fact.type === 'committed') committed(fact)
    },
  }
}

/** Undefined where there is none, or what is there may be nothing that the schema lets in. */
function toldVersion({ status, conflict }: OperationRow): number | undefined {
  if ((status !== 'rollingBack' && status !== 'parked') || conflict?.strategy === 'schema') return undefined
  return conflict?.remoteVersion === undefined ? undefined : Number(conflict.remoteVersion)
}
