import { isObject } from '../../core/own.ts'
import type { Fact, RowChange, SentWrite } from '../world/facts.ts'
import { parsed } from '../world/messages.ts'
import { STAMP } from '../world/settings.ts'
import type { Checker } from './invariant.ts'

/** Stamps further ahead than this are not believed. */
const DRIFT_MS = 300_000
const GRACE_MS = 20_000

const STAMPED: ReadonlySet<string> = new Set(['create', 'update', 'replace'])

/**
 * S12: by the hybrid logical clock, what an engine makes comes after all that it has made, and after all that it was told in conflicts; and it is sent
 * with its stamp.
 */
export const stamps: Checker = ({ settings, register, valueOf, wallTimeOf }, report) => {
  /** By tab: the newest stamp that its engine must have seen. */
  const seen = new Map<string, string>()
  const looks = new Map<string, string>()
  /** By ticket: what had been seen when it was asked for. */
  const asked = new Map<number, { tab: string; after: string; count: number }>()
  /** By operation: its stamp, and when and by which tab it was first stored. */
  const made = new Map<string, { hlc: string; count: number; by: string }>()
  let count = 0

  function learned(tab: string, hlc: string): void {
    if (hlc > (seen.get(tab) ?? '')) seen.set(tab, hlc)
  }

  function changed(tab: string, device: string, { before, row }: RowChange): void {
    if (row === undefined) return
    if (before === undefined && row.hlc !== undefined) made.set(row.id, { hlc: row.hlc, count, by: tab })
    if (before?.status !== 'reconciling' || row.conflict?.strategy !== 'lastWriteWins') return
    if (before.conflict?.id === row.conflict.id) return
    const stamp = looks.get(`${tab} /${row.entity}/${row.entityId}`)
    if (stamp !== undefined && Number(stamp.split('-')[0]) - wallTimeOf(device) < DRIFT_MS - GRACE_MS) learned(tab, stamp)
  }

  function accepted({ ticket, tab, ids }: Extract<Fact, { type: 'accepted' }>): void {
    const one = asked.get(ticket)
    asked.delete(ticket)
    for (const id of ids) {
      const row = made.get(id)
      // One who asks for what another tab stores just then is given that.
      if (one === undefined || row === undefined || row.count < one.count || row.by !== tab) continue
      if (row.hlc.split('-', 2).join() <= one.after.split('-', 2).join())
        report('S12', `${tab} made ${id} at ${row.hlc}, though it had seen ${one.after} before.`)
      learned(tab, row.hlc)
    }
  }

  /** What is merged may keep the server's, if that is the later. */
  function sent({ key, body }: SentWrite, user: string): void {
    const row = register.byKey(user, key)?.row
    if (row?.entity !== 'note' || !STAMPED.has(row.type)) return
    const content = parsed(body)
    const stamp = content !== undefined && isObject(content) ? content[STAMP] : undefined
    if (stamp === null || (stamp === undefined && row.reconciliations === 0))
      report('S12', `${row.id} was sent without its stamp: ${body}.`)
  }

  return {
    see(fact) {
      if (settings.conflict !== 'lastWriteWins') return
      count += 1
      if (fact.type === 'asked') asked.set(fact.ticket, { tab: fact.tab, after: seen.get(fact.tab) ?? '', count })
      else if (fact.type === 'accepted') accepted(fact)
      else if (fact.type === 'sent') for (const write of fact.request.writes) sent(write, fact.request.user)
      else if (fact.type === 'tab' && fact.change === 'starting') seen.delete(fact.tab)
      else if (fact.type === 'committed') for (const change of fact.changes) changed(fact.tab, fact.device, change)
      else if (fact.type === 'served' && fact.request.method === 'GET') {
        const [place, stamp] = [`${fact.request.tab} ${fact.request.path}`, valueOf(fact.request.path)?.[STAMP]]
        if (typeof stamp === 'string') looks.set(place, stamp)
        else looks.delete(place)
      }
    },
  }
}
