import type { OperationRow } from '../../core/operation.ts'
import { COUNTERS, NOTHING, readStatistics, statisticsUser, type Counter, type Counts } from '../../core/statistics.ts'
import { isRecord } from '../../core/schema.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

type Committed = Extract<Fact, { type: 'committed' }>

/** What one run of a tab did and has not added to the statistics, as the times of its commits; the oldest first. */
interface Run {
  readonly device: string
  readonly user: string
  readonly open: Map<Counter, number[]>
  /** Something kept it from adding in time, or from hearing of its own commits. */
  isExcused: boolean
}

/** What a process that dies may take along: what it did since it last added, and how long that may take. */
const LOST_MS = 10_000
const SLACK_MS = 5_000
const COUNTED: readonly Counter[] = ['enqueued', 'done', 'rejected', 'coalesced', 'cancelled']

/** B10: each tab adds what it did itself, and adds it once; it adds all when it stops, and all but the last seconds before it dies. */
export const counting: Checker = ({ now, isTransactional }, report) => {
  const runs = new Map<string, Run>()
  /** By device and user, as the row was last. */
  const rows = new Map<string, Counts>()
  /** What is on their disks is not what was committed any more. */
  const lost = new Set<string>()

  function did(run: Run, counter: Counter): void {
    const times = run.open.get(counter) ?? []
    run.open.set(counter, times)
    times.push(now())
  }

  function added(run: Run | undefined, tab: string, device: string, text: string): void {
    const row = statisticsIn(text)
    if (row === undefined || lost.has(device)) return
    const key = `${device}/${row.name}`
    const before = rows.get(key) ?? NOTHING
    rows.set(key, row)
    for (const counter of COUNTED) {
      const more = row[counter] - before[counter]
      const times = run?.user === row.user ? (run.open.get(counter) ?? []) : []
      if (more > times.splice(0, more).length)
        report('B10', `${tab} added ${more} ${counter} to the statistics of ${row.user}: more than it did.`)
    }
    const counted = COUNTERS.filter((counter) => row[counter] < before[counter])
    if (counted.length > 0) report('B10', `The statistics of ${row.user} on ${device} went back: ${counted.join(', ')}.`)
    if (row.latencyMs.count !== row.done) report('B10', `Of ${row.done} done operations ${row.latencyMs.count} have a latency.`)
  }

  function committed({ tab, device, changes, others }: Committed): void {
    const run = runs.get(tab)
    for (const { before, row } of changes) {
      if (row === undefined || row.user !== run?.user) continue
      const counter = counterOf(before, row)
      if (counter !== undefined) did(run, counter)
    }
    for (const text of others) added(run, tab, device, text)
  }

  function left(tab: string, isKilled: boolean): void {
    const run = runs.get(tab)
    runs.delete(tab)
    if (run === undefined || run.isExcused || lost.has(run.device)) return
    const late = isKilled ? now() - LOST_MS - SLACK_MS : Infinity
    for (const [counter, times] of run.open) {
      const forgotten = times.filter((at) => at < late).length
      if (forgotten > 0)
        report(
          'B10',
          `${tab} was ${isKilled ? 'killed' : 'stopped'}, and ${forgotten} ${counter} that it did are in no statistics.`,
        )
    }
  }

  function excuse(matches: (tab: string, run: Run) => boolean): void {
    for (const [tab, run] of runs) if (matches(tab, run)) run.isExcused = true
  }

  function lived({ tab, device, user, change }: Extract<Fact, { type: 'tab' }>): void {
    if (change === 'starting') runs.set(tab, { device, user, open: new Map(), isExcused: false })
    if (change === 'frozen') excuse((other) => other === tab)
    if (change === 'killed' || change === 'stopped') left(tab, change === 'killed')
  }

  return {
    see(fact) {
      // Where keys are written one by one, it can't be seen from outside who wrote what.
      if ('device' in fact && !isTransactional(fact.device)) return
      if (fact.type === 'tab') lived(fact)
      else if (fact.type === 'committed') committed(fact)
      else if (fact.type === 'refused-commit' && fact.code !== 'storage-conflict') excuse((tab) => tab === fact.tab)
      else if (fact.type === 'read' && fact.failed !== undefined) excuse((tab) => tab === fact.tab)
      else if (fact.type === 'event' && EXCUSES.has(fact.event.type)) excuse((tab) => tab === fact.tab)
      else if (fact.type === 'fault') {
        if (FORGETTING.has(fact.kind)) lost.add(fact.where)
        excuse((tab, { device }) => tab === fact.where || device === fact.where)
      }
    },
  }
}

/** What was counted is gone, or is not added any more. */
const FORGETTING: ReadonlySet<string> = new Set(['evicted', 'power-loss', 'logged-out'])

const EXCUSES: ReadonlySet<string> = new Set(['lock:lost', 'engine:error', 'storage:error'])

function counterOf(before: OperationRow | undefined, row: OperationRow): Counter | undefined {
  if (before === undefined) return 'enqueued'
  if (before.status === row.status) return undefined
  if (row.status === 'superseded') return 'coalesced'
  return row.status === 'done' || row.status === 'rejected' || row.status === 'cancelled' ? row.status : undefined
}

/** What a commit wrote of the statistics, from how it was told. */
function statisticsIn(text: string): (Counts & { readonly name: string; readonly user: string }) | undefined {
  if (!text.startsWith('meta {') || !text.includes('statistics/')) return undefined
  const value: unknown = JSON.parse(text.slice('meta '.length))
  const row = isRecord(value) ? readStatistics({ key: '', position: [], value }) : undefined
  const user = row === undefined ? undefined : statisticsUser(row.name)
  return row === undefined || user === undefined ? undefined : { ...row, user }
}
