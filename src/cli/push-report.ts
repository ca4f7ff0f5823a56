import { messagesOf } from './errors.ts'
import type { FeedHooks } from './feed.ts'
import type { Survey } from './file-lines.ts'
import { grouped, printJson, seconds, table, type Io } from './io.ts'
import { describeOperation } from './operation-text.ts'
import type { Progress } from './progress.ts'
import type { PushOptions } from './push-options.ts'
import type { StopReason } from './stop-reason.ts'
import type { Tally } from './tally.ts'

/** What is wrong with the lines of the file; the first hundred are kept. */
export interface Findings {
  readonly hooks: Pick<FeedHooks, 'bad' | 'ignored' | 'stored'>
  readonly stored: number
  readonly badCount: number
  readonly bad: readonly { readonly line: number; readonly reason: string }[]
  readonly ignoredFields: ReadonlyMap<string, { readonly lines: number; readonly firstLine: number }>
}

const LISTED = 100

export function createFindings(progress: Progress): Findings {
  const bad: { line: number; reason: string }[] = []
  const ignoredFields = new Map<string, { lines: number; firstLine: number }>()
  let [stored, badCount] = [0, 0]
  return {
    hooks: {
      bad(line, reason) {
        badCount += 1
        if (badCount === LISTED + 1) progress.note('More lines are no operations; they are counted.')
        if (badCount > LISTED) return
        bad.push({ line, reason })
        progress.note(`line ${line} ${reason}`)
      },
      ignored(line, fields) {
        for (const field of fields) {
          const known = ignoredFields.get(field)
          if (known !== undefined) known.lines += 1
          else if (ignoredFields.size < LISTED) {
            ignoredFields.set(field, { lines: 1, firstLine: line })
            progress.note(`line ${line} has the field ${JSON.stringify(field)}, which is unknown and is left out`)
          }
        }
      },
      stored: (count) => void (stored += count),
    },
    get stored() {
      return stored
    },
    get badCount() {
      return badCount
    },
    bad,
    ignoredFields,
  }
}

/** What this process did, as opposed to what the store holds of all runs. */
export interface RunFigures {
  readonly accepted: number
  readonly requests: number
  readonly retries: number
  readonly conflicts: number
  readonly takeovers: number
  readonly breakerTrips: number
}

export interface PushReport {
  readonly options: PushOptions
  readonly survey: Survey
  readonly findings: Findings
  readonly run: RunFigures
  readonly stopped: StopReason | undefined
  readonly tally: Tally
  readonly ms: number
}

/** 0 only if every line was an operation and every operation has ended well. */
export function exitCodeOf({ findings, stopped, tally }: PushReport): number {
  const isClean =
    stopped === undefined && findings.badCount === 0 && tally.live === 0 && tally.rejected.length === 0 && tally.unreadable === 0
  return isClean ? 0 : 1
}

export function reportPush(report: PushReport, io: Io): void {
  if (report.options.json) return printJson(io, documentOf(report))
  io.out(table(rowsOf(report)))
  listDeadLetters(report, io)
  for (const sentence of advice(report)) io.err(`${sentence}\n`)
}

function documentOf({ options, survey, findings, run, stopped, tally, ms }: PushReport): object {
  const { firstLive: _firstLive, oldestLive: _oldestLive, ...held } = tally
  return {
    file: options.file,
    store: options.store,
    server: options.to,
    lines: survey.lines,
    accepted: run.accepted,
    known: findings.stored - run.accepted,
    bad: findings.badCount,
    badLines: findings.bad,
    ignoredFields: Object.fromEntries(findings.ignoredFields),
    run: {
      requests: run.requests,
      retries: run.retries,
      conflicts: run.conflicts,
      takeovers: run.takeovers,
      breakerTrips: run.breakerTrips,
    },
    inStore: held,
    finished: stopped === undefined,
    ...(stopped === undefined
      ? {}
      : { stopped: { ...stopped, ...('error' in stopped ? { error: messagesOf(stopped.error) } : {}) } }),
    ms: Math.round(ms),
  }
}

function rowsOf({ survey, findings, run, tally, ms }: PushReport): [string, string | number][] {
  const { byStatus } = tally
  const known = findings.stored - run.accepted
  return [
    ['lines', survey.lines],
    ['accepted', run.accepted],
    ...(known > 0 ? [['accepted before', known] satisfies [string, number]] : []),
    ...(findings.badCount > 0 ? [['bad lines', findings.badCount] satisfies [string, number]] : []),
    ['done', byStatus.done],
    ['superseded (coalesced)', byStatus.superseded],
    ['cancelled', byStatus.cancelled],
    ['rejected', byStatus.rejected],
    ['parked', byStatus.parked],
    ...(tally.live > byStatus.parked ? [['not sent yet', tally.live - byStatus.parked] satisfies [string, number]] : []),
    ['requests', run.requests],
    ['retries', run.retries],
    ['conflicts', run.conflicts],
    ['takeovers', run.takeovers],
    ['time', seconds(ms)],
  ]
}

function listDeadLetters({ options, tally }: PushReport, io: Io): void {
  for (const [name, list] of [
    ['rejected', tally.rejected],
    ['parked', tally.parked],
  ] as const) {
    if (list.length === 0) continue
    const count = tally.byStatus[name]
    io.out(`\n${name}${count > list.length ? ` (the first ${list.length} of ${grouped(count)})` : ''}:\n`)
    for (const operation of list) io.out(`  ${describeOperation(operation)}\n`)
    io.out(`Look at one with: synchart explain ${options.store} <id>\n`)
  }
}

function advice({ options, findings, stopped, tally }: PushReport): string[] {
  const sentences: string[] = []
  if (findings.badCount === 1)
    sentences.push(
      `1 line of ${options.file} is no operation and was left out. Put it, mended, into a file of its own and push that.`,
    )
  if (findings.badCount > 1)
    sentences.push(
      `${grouped(findings.badCount)} lines of ${options.file} are no operations and were left out. Put them, mended, into a file of their own and push that.`,
    )
  if (stopped !== undefined) sentences.push(`${whyStopped(stopped, options)} What was accepted is safe in ${options.store}.`)
  if (stopped !== undefined || tally.live > tally.byStatus.parked) sentences.push('Run the same command again to go on.')
  return sentences
}

function whyStopped(reason: StopReason, { tokenEnv }: PushOptions): string {
  if (reason.type === 'signal') return `Stopped by ${reason.signal}.`
  if (reason.type === 'timeout') return `Stopped after ${seconds(reason.afterMs)} (--timeout).`
  if (reason.type === 'store') return `The store failed: ${messagesOf(reason.error)}\n`
  return tokenEnv === undefined
    ? 'The server wants credentials (401). Put a bearer token into an environment variable and name it with --token-env.'
    : `The server refused the token in ${tokenEnv} (401). Put a valid one there.`
}
