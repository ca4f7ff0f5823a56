import { wireKey, type OperationRow } from '../../core/operation.ts'
import { DEFAULTS } from '../../core/options.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/** L7: an operation is sent anew for a conflict only so often, and each time on what the server has: it is refused again only if somebody else has written. */
export const rounds: Checker = ({ settings, register }, report) => {
  const { maxReconciliations = DEFAULTS.maxReconciliations } = settings.engine
  /** By wire key of what was sent anew: on which version. */
  const looked = new Map<string, { row: OperationRow; version: number }>()
  const versions = new Map<string, number>()
  /** By tab and path: which version it was shown last. */
  const shown = new Map<string, number>()

  function resent(tab: string, { before, row }: RowChange): void {
    if (before?.status !== 'reconciling' || row?.status !== 'sending' || register.byId(row.id)?.isTainted) return
    const times = row.reconciliations - (row.reconciledBefore ?? 0)
    if (times > maxReconciliations) report('L7', `${row.id} is sent anew for the ${times}th time, ${maxReconciliations} allowed.`)
    const version = shown.get(`${tab} ${pathOf(row)}`)
    if (version === undefined || row.baseVersion === undefined || row.type === 'create') return
    looked.set(`${row.user} ${wireKey(row)}`, { row, version })
  }

  function served({ request, status, effects, replayed }: Extract<Fact, { type: 'served' }>): void {
    for (const { entity, id, version } of effects) versions.set(`/${entity}/${id}`, version)
    if (request.method === 'GET') shown.set(`${request.tab} ${request.path}`, versions.get(request.path) ?? 0)
    const [write] = request.writes
    if (replayed || request.writes.length !== 1 || write === undefined || (status !== 412 && status !== 409)) return
    const one = looked.get(`${request.user} ${write.key}`)
    if (one === undefined) return
    looked.delete(`${request.user} ${write.key}`)
    if (versions.get(pathOf(one.row)) === one.version)
      report('L7', `${one.row.id} was sent anew on version ${one.version}, and is refused though nobody else has written.`)
  }

  return {
    see(fact) {
      if (fact.type === 'served') served(fact)
      else if (fact.type === 'committed') for (const change of fact.changes) resent(fact.tab, change)
      else if (fact.type === 'fault' && fact.kind === 'restored-backup') {
        looked.clear()
        versions.clear()
        shown.clear()
      }
    },
  }
}

function pathOf({ entity, entityId }: OperationRow): string {
  return `/${entity}/${entityId}`
}
