import { isTerminal } from '../../core/operation.ts'
import type { LeaseRow } from '../../core/schema.ts'
import { sessionName } from '../../core/session.ts'
import type { Fact, RowChange, Sent } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import type { Known } from './register.ts'
import { rowsIn } from './replicas.ts'

type Committed = Extract<Fact, { type: 'committed' }>
type LogOut = Extract<Fact, { type: 'log-out' }>

const USERS = ['u1', 'u2'] as const

/** A user's log-ins on a device. */
interface Session {
  readonly device: string
  readonly user: string
  /** How many log-outs there were. */
  epoch: number
  isWiping: boolean
  /** What the tab that began the wipe was asked for. */
  policy: LogOut['pending'] | undefined
}

/**
 * E3: a log-out that wipes leaves nothing of the user and nothing that it gave up is sent afterwards, but what was on its way; one that keeps or is blocked loses
 * nothing; and who was logged in before accepts nothing after.
 */
export const logOuts: Checker = ({ register, namesOf }, report) => {
  const sessions = new Map<string, Session>()
  /** By tab: who is logged in, and how many log-outs there were when it had started. */
  const tabs = new Map<string, { readonly session: Session; readonly epoch: number }>()
  /** By tab: how many log-outs there were when it began to start. */
  const begun = new Map<string, number>()
  /** Devices. */
  const setBack = new Set<string>()
  /** Given up, and never sent before. */
  const givenUp = new Set<Known>()
  /** By tab: how many it has given up since it was asked to. */
  const counts = new Map<string, number>()
  /** By tab: what it was asked for last. Of two at a time the one that is stored first counts. */
  const asked = new Map<string, LogOut['pending']>()
  /** By device, as it was last. */
  const leases = new Map<string, LeaseRow>()

  function sessionOf(device: string, user: string): Session {
    const key = `${device}/${user}`
    // How many log-outs a store that was set back knows of, its next one tells.
    const epoch = setBack.has(device) ? Infinity : 0
    const one = sessions.get(key) ?? { device, user, epoch, isWiping: false, policy: undefined }
    sessions.set(key, one)
    return one
  }

  /** Who owns it when the wipe is done has logged in since. */
  function deposed({ tab, device, lease }: Committed, before: LeaseRow | undefined): void {
    if (lease === undefined) return
    leases.set(device, lease)
    if (before === undefined || lease.owner !== '' || lease.epoch <= before.epoch || before.user === undefined) return
    if (!sessionOf(device, before.user).isWiping && !setBack.has(device))
      report('E3', `${tab} took the lease of ${before.user} on ${device} away, of whom no log-out has left anything.`)
  }

  function committed(fact: Committed): void {
    const { tab, device, changes, others } = fact
    deposed(fact, leases.get(device))
    for (const { before, row } of changes) {
      if (before === undefined && row !== undefined && fact.epoch === undefined)
        appended(tab, sessionOf(device, row.user), row.id)
      if (row === undefined && before !== undefined) removed(tab, sessionOf(device, before.user), before)
    }
    for (const row of rowsIn(others)) {
      const user = USERS.find((one) => row['name'] === sessionName(one))
      if (user !== undefined) changed(tab, sessionOf(device, user), row)
    }
  }

  function changed(tab: string, session: Session, row: Record<string, unknown>): void {
    const { device, user, isWiping } = session
    if (row['stage'] === 'asked') return
    session.epoch = Number(row['epoch'])
    session.isWiping = row['stage'] === 'wiping'
    if (!isWiping) session.policy = asked.get(tab)
    if (session.isWiping && session.policy === 'keep')
      report('E3', `${tab} began to wipe ${user}, whose operations were to be kept.`)
    if (!isWiping || session.isWiping) return
    const left = namesOf(device, user)
    if (left.length > 0) report('E3', `${tab} has wiped ${user} from ${device}, but this is left: ${left.join(', ')}.`)
  }

  function removed(tab: string, session: Session, before: NonNullable<RowChange['before']>): void {
    if (!session.isWiping || isTerminal(before.status)) return
    counts.set(tab, (counts.get(tab) ?? 0) + 1)
    const one = register.byId(before.id)
    if (session.policy === 'block') report('E3', `${tab} gave up ${before.id}, though the log-out was not to lose any.`)
    if (one !== undefined && before.attempts === 0) givenUp.add(one)
  }

  function appended(tab: string, session: Session, id: string): void {
    const known = tabs.get(tab)
    if (known?.session === session && known.epoch < session.epoch)
      report('E3', `${tab} has stored ${id}, though ${session.user} has logged out since it was started.`)
  }

  function sent({ tab, user, writes }: Sent): void {
    for (const { key } of writes) {
      const one = register.byKey(user, key)
      if (one !== undefined && givenUp.has(one)) report('E3', `${tab} sent ${one.id}, which a log-out had given up.`)
    }
  }

  function loggedOut({ tab, pending, result, givenUp: told }: LogOut): void {
    if (result === 'asked') {
      asked.set(tab, pending)
      counts.delete(tab)
    } else if (result === 'done' && told !== (counts.get(tab) ?? 0))
      report('E3', `${tab} told that ${told} operations were given up, but it was ${counts.get(tab) ?? 0}.`)
  }

  function started(tab: string, session: Session): void {
    tabs.set(tab, { session, epoch: session.epoch })
    // What was left before it began to start is its own to wipe.
    if (session.isWiping && session.epoch === begun.get(tab))
      report('E3', `${tab} was started for ${session.user}, of whom a log-out has left something.`)
  }

  function forget(device: string): void {
    setBack.add(device)
    for (const [key, session] of sessions) if (session.device === device) sessions.delete(key)
    for (const one of givenUp) if (one.device === device) givenUp.delete(one)
    for (const [tab, { session }] of tabs) if (session.device === device) tabs.delete(tab)
  }

  return {
    see(fact) {
      if (fact.type === 'committed') committed(fact)
      else if (fact.type === 'sent') sent(fact.request)
      else if (fact.type === 'log-out') loggedOut(fact)
      else if (fact.type === 'tab' && fact.change === 'started') started(fact.tab, sessionOf(fact.device, fact.user))
      else if (fact.type === 'tab' && fact.change === 'starting') {
        tabs.delete(fact.tab)
        begun.set(fact.tab, sessionOf(fact.device, fact.user).epoch)
      } else if (fact.type === 'fault' && (fact.kind === 'evicted' || fact.kind === 'power-loss')) forget(fact.where)
    },
  }
}
