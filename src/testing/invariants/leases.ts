import type { OperationRow } from '../../core/operation.ts'
import { IN_PLAY } from '../../core/schema.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

interface Holder {
  readonly owner: string
  readonly tab: string
  readonly beatAt: number
}

/** S10, L7, L10: only the lease's holder plays operations, nobody takes it from one who is well, and who leaves leaves no lease. */
export const leases: Checker = ({ settings, now }, report) => {
  const holders = new Map<string, Holder>()
  /** By device, who gave the lease back, until somebody takes it. */
  const left = new Map<string, string>()
  /** Tabs whose store has failed since they began to stop, be it to log out. */
  const troubled = new Set<string>()
  /** Tabs whose engine had stopped before they were closed. */
  const idle = new Set<string>()
  const builds = new Map<string, number>()
  const { staleMs = 120_000, pollMs = 0 } = settings.engine.lock ?? {}
  /** A gap in one's own looking may count for two polls. */
  const soonestMs = staleMs - 2 * pollMs

  function leased({ device, tab, lease }: Extract<Fact, { type: 'committed' }>): void {
    if (lease === undefined) return
    const before = holders.get(device)
    if (lease.owner === '') {
      holders.delete(device)
      return void left.set(device, tab)
    }
    left.delete(device)
    holders.set(device, { owner: lease.owner, tab, beatAt: now() })
    if (before === undefined || before.owner === lease.owner || now() - before.beatAt >= soonestMs) return
    // A newer build of the application need not wait for an older one.
    if (settings.shapes !== 'none' && (builds.get(before.tab) ?? 1) < (builds.get(tab) ?? 1)) return
    report(
      'L7',
      `${tab} took the lease from ${before.tab}, which was alive and had shown a beat ${now() - before.beatAt} ms before.`,
    )
  }

  function unwell(tab: string): void {
    for (const [device, holder] of holders) if (holder.tab === tab) holders.set(device, { ...holder, beatAt: -Infinity })
  }

  function stopped({ tab, device }: Extract<Fact, { type: 'tab' }>): void {
    const holder = holders.get(device)
    const isLeft = holder?.tab === tab && holder.beatAt > -Infinity
    if (isLeft && !troubled.has(tab)) report('L10', `${tab} has stopped, but its lease still stands.`)
    unwell(tab)
  }

  /** What was on its way into the store when its owner gave the lease back: the fence refuses it once anybody else has that. */
  function isLaidDown({ device, tab }: Extract<Fact, { type: 'committed' }>, { row }: RowChange): boolean {
    return left.get(device) === tab && !isInPlay(row)
  }

  return {
    see(fact) {
      if (fact.type === 'fault' && (fact.kind === 'evicted' || fact.kind === 'power-loss')) holders.delete(fact.where)
      if (fact.type === 'refused-commit' || (fact.type === 'read' && fact.failed !== undefined)) troubled.add(fact.tab)
      // A build that lacks the key of a newer one can't write the lease either.
      if (fact.type === 'event' && fact.event.type === 'lock:failed') {
        troubled.add(fact.tab)
        unwell(fact.tab)
      }
      if (fact.type === 'event' && fact.event.type === 'engine:stopped') idle.add(fact.tab)
      if (fact.type === 'event' && fact.event.type === 'engine:started') idle.delete(fact.tab)
      if (fact.type === 'log-out' && fact.result === 'asked') troubled.delete(fact.tab)
      if (fact.type === 'tab') {
        if (fact.change === 'starting') {
          builds.set(fact.tab, fact.build)
          idle.delete(fact.tab)
        }
        if (fact.change === 'stopping' && !idle.has(fact.tab)) troubled.delete(fact.tab)
        if (fact.change === 'stopped') stopped(fact)
        if (fact.change === 'killed' || fact.change === 'frozen') unwell(fact.tab)
      }
      if (fact.type !== 'committed') return
      leased(fact)
      const played = fact.changes.find((change) => isPlayed(change) && !isLaidDown(fact, change))
      const holder = holders.get(fact.device)?.tab
      if (played !== undefined && holder !== fact.tab)
        report('S10', `${fact.tab} plays ${played.row?.id}, but the lease is held by ${holder ?? 'nobody'}.`)
    },
  }
}

/** Whoever mends where the row stands leaves its revision as it is. */
function isPlayed({ before, row }: RowChange): boolean {
  return row !== undefined && row.rev !== before?.rev && (isInPlay(before) || isInPlay(row))
}

function isInPlay(row: OperationRow | undefined): boolean {
  return row?.dueAt === IN_PLAY
}
