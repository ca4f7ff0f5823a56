import type { AuditedChange } from '../core/audit-changes.ts'
import type { AuditEntry } from '../core/audit.ts'
import { visibleText } from '../core/visible-text.ts'
import { checkAuditQuery } from '../engine/audit-log.ts'
import { auditPage } from '../engine/audit-store.ts'
import { textOption, wholeOption, type ParsedOptions } from './arguments.ts'
import { UsageError } from './errors.ts'
import { instant, printJson, type Io } from './io.ts'
import { withStore } from './store-file.ts'

/** What happened in a store, as far as it was audited, the newest first. Only looks. Returns the exit code. */
export async function audit(file: string, options: ParsedOptions, io: Io): Promise<number> {
  const query = {
    entity: textOption(options, 'entity'),
    id: textOption(options, 'id'),
    operation: textOption(options, 'operation'),
    since: timeOption(options, 'since'),
    until: timeOption(options, 'until'),
    after: wholeOption(options, 'after', 1, Number.MAX_SAFE_INTEGER),
    limit: wholeOption(options, 'limit', 1, 1_000),
  }
  checkAuditQuery(query)
  const user = textOption(options, 'user') ?? 'default'
  const page = await withStore(file, (storage) => auditPage(storage, user, query))
  if (options['json'] === true) {
    printJson(io, { store: file, user, ...page })
    return 0
  }
  const { entries, unreadable, next } = page
  io.out(entries.map((entry) => `${textOf(entry)}\n`).join(''))
  if (entries.length === 0) io.out(`There is no such entry of user ${user}. Entries are written where the option audit is set.\n`)
  if (unreadable.length > 0) io.out(`Entries that can not be read: ${unreadable.join(', ')}.\n`)
  if (next !== undefined) io.out(`For more: --after ${next}\n`)
  return 0
}

function textOf({ number, at, by, action, outcome, type, entity, entityId, error, changes, more }: AuditEntry): string {
  const what = [type, `${entity}/${entityId}`].filter((part) => part !== undefined).join(' ')
  const head = `#${number}  ${instant(at)}  ${by}: ${action}, ${outcome}  ${what}${error === undefined ? '' : `  (${error})`}`
  const rest = more === undefined ? [] : [`    … and ${more} more`]
  return [head, ...changes.map((change) => `    ${changeText(change)}`), ...rest].map(visibleText).join('\n')
}

function changeText(change: AuditedChange): string {
  const side = (name: 'from' | 'to'): string => {
    if (change.tooLarge?.includes(name)) return '(too large)'
    return change[name] === undefined ? '(nothing)' : JSON.stringify(change[name])
  }
  return `${change.path}: ${side('from')} → ${side('to')}`
}

/** `Date.parse` makes a date also of other texts, as the year 2001 of -1. */
const ISO_DATE = /^\d{4}-\d\d(-\d\d)?([T ]|$)/

/** Milliseconds since 1970, or a date as ISO 8601 has it. */
function timeOption(options: ParsedOptions, name: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const at = /^\d+$/.test(text) ? Number(text) : ISO_DATE.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return at
  throw new UsageError(`--${name} must be a time as 2026-01-31T12:00:00Z, or milliseconds since 1970, not ${text}.`)
}
