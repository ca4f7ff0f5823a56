import { DEFAULTS } from '../../core/options.ts'
import { isTerminal, type OperationRow } from '../../core/operation.ts'
import { isRecord } from '../../core/schema.ts'
import { UNAUDITED } from '../world/audit.ts'
import { isLosing } from '../faults/kinds.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

type Commit = Extract<Fact, { type: 'committed' }>

interface Entry {
  readonly number: number
  readonly at: number
  readonly action: unknown
  readonly outcome: unknown
  readonly operation: string | undefined
  readonly values: Readonly<Record<string, unknown>>
  readonly text: string
}

/** What of a device's audit is known. */
interface Kept {
  readonly entries: Map<number, Entry>
  newest: number | undefined
  /** Its clock was set: nothing can be said of how old an entry is. */
  isTimeless: boolean
}

/**
 * S26: no number is missing between the oldest entry and the newest, and none is changed; each operation was enqueued once and has ended once, as its
 * row says, told in the very commits that did so; and no secret is in it. L9: what is too much goes, from the oldest on.
 */
export const audit: Checker = ({ settings, register, wallTimeOf }, report) => {
  const options = settings.engine.audit
  const devices = new Map<string, Kept>()
  /** How often an operation was told to have been enqueued, or to have ended. */
  const told = new Map<string, number>()

  function keptOf(device: string): Kept {
    const kept = devices.get(device) ?? { entries: new Map(), newest: undefined, isTimeless: false }
    devices.set(device, kept)
    return kept
  }

  function committed(fact: Commit): void {
    const { tab, device, changes, others } = fact
    const kept = keptOf(device)
    const entries = others.flatMap((text) => entryIn(text) ?? [])
    if (options === undefined) {
      if (entries.length > 0) report('S26', `${tab} has written an entry, though nothing is audited.`)
      return
    }
    for (const entry of entries) append(tab, kept, entry)
    removed(tab, device, kept, others)
    for (const change of changes) judge(tab, change, entries)
    for (const entry of entries)
      if (isAlone(entry, changes, others)) report('S26', `${entry.text} was written by ${tab} by itself.`)
  }

  function append(tab: string, kept: Kept, entry: Entry): void {
    const { number, text } = entry
    if (kept.entries.has(number)) return report('S26', `${tab} has changed entry ${number}: ${text}`)
    if (kept.newest !== undefined && number !== kept.newest + 1)
      report('S26', `After entry ${kept.newest} came ${number}: ${text}`)
    kept.entries.set(number, entry)
    kept.newest = number
    if (text.includes('Bearer') || text.includes('uthorization')) report('S26', `An entry holds a token: ${text}`)
    if (entry.values['entity'] === 'note' && tellsOf(entry.values['changes'], UNAUDITED))
      report('S26', `An entry tells of the field ${UNAUDITED}: ${text}`)
    const key = `${String(entry.action)} ${entry.operation}`
    told.set(key, (told.get(key) ?? 0) + 1)
  }

  /** Devices where somebody has logged out: what is of him may go from between what stays. */
  const wiped = new Set<string>()

  function removed(tab: string, device: string, kept: Kept, others: readonly string[]): void {
    const gone = others.flatMap((text) => /^audit[/ ](\d+) removed$/.exec(text)?.[1] ?? []).map(Number)
    if (gone.length === 0) return
    if (wiped.has(device)) return gone.forEach((number) => kept.entries.delete(number))
    for (const number of gone) {
      const entry = kept.entries.get(number)
      if (entry !== undefined && !mayGo(entry, device, kept))
        report('S26', `${tab} has removed entry ${number}, which was to be kept.`)
      kept.entries.delete(number)
    }
    const last = Math.max(...gone)
    const [older] = kept.entries.keys()
    if (older !== undefined && older < last) report('S26', `${tab} has removed entry ${last}, but not the older ${older}.`)
  }

  function mayGo({ number, at }: Entry, device: string, { newest = 0, isTimeless }: Kept): boolean {
    const { keepCount = DEFAULTS.audit?.keepCount ?? 0, keepMs = DEFAULTS.audit?.keepMs ?? 0 } = options ?? {}
    return isTimeless || newest - number >= keepCount || wallTimeOf(device) - at > keepMs
  }

  /** What the change of a row must be told by, in this commit. */
  function judge(tab: string, { before, row }: RowChange, entries: readonly Entry[]): void {
    if (row === undefined) return
    const own = entries.filter(({ operation }) => operation === row.id)
    const count = (action: string, agrees: (entry: Entry) => boolean): number =>
      own.filter((entry) => entry.action === action && agrees(entry)).length
    // One that could not be read and was given up is stored again by who had it on its way.
    const isNew = before === undefined && row.rev === 1
    if (isNew && count('enqueued', (entry) => isOf(entry, row)) !== 1)
      report('S26', `${tab} has stored ${row.id}, but no entry, or not just one, tells that it was enqueued.`)
    if (isTerminal(row.status) && (before === undefined || !isTerminal(before.status)) && count('ended', agreesWith(row)) !== 1)
      report('S26', `${tab} has written that ${row.id} is ${row.status}, but no entry, or not just one, tells so.`)
    for (const status of ['parked', 'rollingBack'] as const)
      if (row.status === status && before?.status !== status && count(status, agreesWith(row)) !== 1)
        report('S26', `${tab} has written that ${row.id} is ${status}, but no entry, or not just one, tells so.`)
    if (row.dismissed !== before?.dismissed && count('dismissed', agreesWith(row)) !== 1)
      report('S26', `${tab} has dismissed ${row.id}, but no entry tells so.`)
  }

  return {
    see(fact) {
      if (fact.type === 'committed') committed(fact)
      if (fact.type !== 'fault') return
      const device = /^d\d+/.exec(fact.where)?.[0] ?? ''
      if (fact.kind === 'logged-out') wiped.add(device)
      if (isLosing(fact.kind)) devices.set(device, { ...keptOf(device), entries: new Map(), newest: undefined })
      if (fact.kind.startsWith('clock-') || fact.kind === 'slept') keptOf(device).isTimeless = true
    },
    end() {
      if (options === undefined) return
      for (const { id, isAccepted, isTainted } of register.all()) {
        if (!isAccepted || isTainted) continue
        for (const action of ['enqueued', 'ended']) {
          const times = told.get(`${action} ${id}`) ?? 0
          if (times !== 1) report('S26', `${id} was told to have ${action} ${times} times.`)
        }
      }
    },
  }
}

function isOf({ values }: Entry, { user, entity, entityId, type }: OperationRow): boolean {
  return values['user'] === user && values['entity'] === entity && values['entityId'] === entityId && values['type'] === type
}

function agreesWith(row: OperationRow): (entry: Entry) => boolean {
  return ({ outcome, values }) =>
    outcome === row.status && values['error'] === row.lastError?.code && values['supersededBy'] === row.supersededBy
}

/** Nothing else in the commit is what it tells of. */
function isAlone({ operation, values, action }: Entry, changes: readonly RowChange[], others: readonly string[]): boolean {
  if (action === 'removed') return !changes.some(({ seq, row }) => row === undefined && operation === `#${seq}`)
  if (operation !== undefined) return !changes.some(({ row }) => row?.id === operation)
  const key = `${String(values['user'])}/${String(values['entity'])}/${String(values['entityId'])}`
  return !others.some((text) => text.startsWith('entities ') && text.includes(JSON.stringify(key)))
}

function tellsOf(changes: unknown, field: string): boolean {
  return Array.isArray(changes) && changes.some((change) => isRecord(change) && isUnder(change['path'], field))
}

function isUnder(path: unknown, field: string): boolean {
  return typeof path === 'string' && (path === field || path.startsWith(`${field}.`))
}

/** A store that assigned the number to the row may tell it by the name that sequences have. */
function entryIn(text: string): Entry | undefined {
  const found = /^audit (\{.*)$/s.exec(text)?.[1]
  const values: unknown = found === undefined ? undefined : JSON.parse(found)
  if (!isRecord(values)) return undefined
  const { operation, action, outcome, at } = values
  return {
    number: Number(values['number'] ?? values['seq']),
    at: Number(at),
    action,
    outcome,
    operation: typeof operation === 'string' ? operation : undefined,
    values,
    text,
  }
}
