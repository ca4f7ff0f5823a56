import type { OperationActor } from '../../machines/operation.ts'
import { copyJson } from '../core/copy-json.ts'
import type { Conflict, EntityOptions, Resolution } from '../core/conflict.ts'
import { earlierBase, shownVersion } from '../core/earlier.ts'
import { SyncError, SyncOperationError, TimeoutError, type ValidationError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { AnswerChecks } from './answer-checks.ts'
import { isServerFailure, type BreakerSigns } from './breaker-signs.ts'
import { unsendable } from './chooser.ts'
import { laneOf, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { isObject } from '../core/own.ts'
import type { Fetched, SystemPorts, Transport } from '../core/ports.ts'
import {
  examine,
  resolve,
  wasDecided,
  type Decision,
  type Examination,
  type PreparedDecision,
  type Seen,
  type Settlement,
} from '../core/reconcile.ts'
import { isRecord } from '../core/schema.ts'
import { isNamedByServer, outgoing } from '../core/server-ids.ts'
import { isDecided, settleByRule } from '../core/settle.ts'
import { checkJson } from '../core/validate-json.ts'
import { decidedTogether, isTogether, ledBy } from '../core/transaction.ts'
import { createConflictPlays } from './conflict-plays.ts'
import {
  conflictIn,
  decideUnseen,
  leftToPerson,
  meetsRemote,
  parkedByFailure,
  parkedBySchema,
  unusable,
  verdictOnRemote,
  verdictOnResend,
} from './decision-checks.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Stamps } from './stamps.ts'
import type { Store } from './store.ts'
import type { Inspect } from './tell-directly.ts'
import type { Transactions } from './transactions.ts'
import type { Validators, Verdict } from './validators.ts'

/** What a decision is made of. */
interface Sides {
  readonly base: Json | undefined
  readonly seen: Seen
  readonly options: EntityOptions
}

export interface ReconcilerParts {
  readonly signs: BreakerSigns
  readonly budget: Pick<RetryBudget, 'failed' | 'succeeded'>
  readonly stamps: Stamps
  readonly transactions: Transactions
  readonly validators: Validators
  readonly answers: AnswerChecks
}

/** Looks at the server's state after a definite refusal and decides how the operation goes on. */
export function createReconciler(
  settings: Settings,
  ports: SystemPorts,
  transport: Transport,
  store: Store,
  { signs, budget, stamps, transactions, validators, answers }: ReconcilerParts,
  inspect?: Inspect,
) {
  const plays = createConflictPlays(inspect)
  const controllers = new Map<OperationActor, AbortController>()
  const { payloadBytes: maxBytes, payloadDepth: maxDepth } = settings.limits
  const limits = { maxBytes, maxDepth }
  /** Those whose request has no answer yet. */
  const asking = new Set<OperationActor>()

  async function decide(slot: OperationActor, row: OperationRow, signal: AbortSignal): Promise<Decision> {
    if (row.aside !== undefined) return { type: 'park', error: row.aside.error }
    if (isNamedByServer(settings.entities, row)) return decideUnseen(row)
    if (!signs.admit(slot)) return { type: 'heldBack', error: signs.heldBack() }
    const fetched = await look(slot, row, signal)
    const base = await baseOf(row)
    const options = settings.entities[row.entity] ?? {}
    const isSeen = fetched.type === 'found' || fetched.type === 'absent'
    const decision =
      isSeen && validators.hasSchema(row.entity)
        ? await decideBySchema(slot, row, { base, seen: fetched, options }, signal)
        : await decideOn(slot, row, examineBy(row, base, fetched, options), options)
    return decision.type === 'resend'
      ? { ...decision, base: base ?? (fetched.type === 'found' ? fetched.value : undefined) }
      : decision
  }

  async function decideOn(slot: OperationActor, row: OperationRow, found: Examination, rules: EntityOptions): Promise<Decision> {
    return found.type === 'conflict' ? settle(slot, row, found.conflict, rules) : found
  }

  /** What the schema refuses is neither merged nor sent. */
  async function decideBySchema(slot: OperationActor, row: OperationRow, sides: Sides, signal: AbortSignal): Promise<Decision> {
    const { base, seen, options } = sides
    const ofRemote = await validators.alone(signal, (deadline) => verdictOnRemote(validators, row, seen, deadline))
    const rules = ofRemote === undefined ? options : leftToPerson(options)
    const found = examineBy(row, base, seen, rules)
    if (ofRemote !== undefined && found.type === 'done') {
      answers.refused(row, ofRemote)
      return { type: 'done', version: found.version }
    }
    if (ofRemote !== undefined && meetsRemote(found)) return unusable(await askPerson(slot, row, sides, found, ofRemote))
    const decision = await decideOn(slot, row, found, rules)
    const refusal = await refusalOf(row, seen, decision, signal)
    return refusal === undefined ? decision : askPerson(slot, row, sides, found, refusal)
  }

  /** It waits for one who sees the refusal, and what he decides holds. */
  async function askPerson(
    slot: OperationActor,
    row: OperationRow,
    { base, seen, options }: Sides,
    found: Examination,
    refusal: ValidationError,
  ): Promise<Decision> {
    const conflict = conflictIn(found, row, base, seen)
    const decision = await settle(slot, row, conflict, leftToPerson(options))
    return decision.type === 'park' ? parkedBySchema(row, conflict, refusal, ports.clock.now()) : decision
  }

  async function refusalOf(row: OperationRow, seen: Seen, decision: Decision, signal: AbortSignal): Promise<Verdict> {
    if (decision.type !== 'resend') return undefined
    return validators.alone(signal, (deadline) => verdictOnResend(validators, row, seen, decision, deadline))
  }

  async function look(slot: OperationActor, row: OperationRow, signal: AbortSignal): Promise<Fetched> {
    asking.add(slot)
    const fetched = await transport.fetch(row.entity, row.entityId, { signal }).catch((cause: unknown): Fetched => ({
      type: 'failed',
      error: asSyncError(cause),
    }))
    if (signal.aborted) return fetched
    asking.delete(slot)
    tell(fetched.type === 'failed' && isServerFailure(fetched.error) ? 'failed' : 'succeeded')
    return fetched
  }

  function tell(sign: 'failed' | 'succeeded'): void {
    for (const one of [signs, budget]) one[sign]()
  }

  /** A rule of the application that throws decides nothing: a person does, once. */
  function examineBy(row: OperationRow, base: Json | undefined, fetched: Fetched, options: EntityOptions): Examination {
    try {
      return checked(examine(row, base, fetched, options))
    } catch (cause) {
      const examination = examine(row, base, fetched, { ...options, fields: undefined })
      if (examination.type !== 'conflict' || isDecided(row, examination.conflict)) return examination
      return parkedByFailure(row, examination.conflict, cause, 'fields', ports.clock.now())
    }
  }

  /** What rules of the application made of fields is JSON within the limits, or no rule's work. */
  function checked(examination: Examination): Examination {
    const merged = examination.type === 'conflict' ? examination.conflict.merged : undefined
    if (merged !== undefined) checkJson(merged, 'fields', limits)
    return examination
  }

  async function settle(slot: OperationActor, row: OperationRow, conflict: Conflict, rules: EntityOptions): Promise<Decision> {
    const { settlement: automatic, strategy } = settleByRule(row, conflict, rules, () => stamps.laterSide(row, conflict))
    let said = automatic
    const decide = async (): Promise<Settlement> => (said = await answerOf(row, conflict, rules))
    const { settlement, error } = await plays.play(slot, { automatic, wasSeen: wasDecided(row, conflict) }, decide)
    if (error !== undefined) return parkedByFailure(row, conflict, error, strategy, ports.clock.now())
    // What a person has decided about it before stays on record as it is, be it by trying again.
    const isHeldTo = strategy === 'person' || (said === 'manual' && settlement !== 'manual')
    const held = isHeldTo ? row.conflict : undefined
    return resolve(row, conflict, settlement, { rules, strategy, held, at: ports.clock.now() })
  }

  /** A function may do with what it is given as it likes. */
  async function answerOf(row: OperationRow, conflict: Conflict, { conflict: decides }: EntityOptions): Promise<Settlement> {
    return typeof decides === 'function' ? checkResolution(row, await decides(structuredClone(conflict))) : 'manual'
  }

  function checkResolution(row: OperationRow, resolution: Resolution): Resolution {
    if (resolution === 'local' || resolution === 'remote' || resolution === 'manual') return resolution
    if (isRecord(resolution)) {
      const value = copyJson(checkJson(resolution.value, 'value', limits).json)
      if (isObject(value)) return { value }
    }
    throw new SyncOperationError(
      row.id,
      'bad-resolution',
      "A conflict function must return 'local', 'remote', 'manual' or { value }.",
    )
  }

  /** The value that the operation was made on: what the application said, else what the server last confirmed at that version. */
  async function baseOf(row: OperationRow): Promise<Json | undefined> {
    if (row.base !== undefined) return row.base
    const entity = await store.entity(laneOf(row.user, row.entity, row.entityId))
    const sentOn = [earlierBase(entity, row.seq), entity].find((one) => one && shownVersion(one) === row.baseVersion)
    return sentOn?.value
  }

  /** A request that can't be made ends the operation: it was refused, so nothing of it was applied. */
  function prepared(row: OperationRow, decision: Decision): PreparedDecision {
    if (decision.type !== 'resend') return decision
    const { as: type, payload, version: baseVersion } = decision
    try {
      return { ...decision, request: transport.prepare(outgoing(settings.entities, { ...row, type, payload, baseVersion })) }
    } catch (cause) {
      return { type: 'refuse', error: unsendable(row, cause) }
    }
  }

  function answer(
    slot: OperationActor,
    row: OperationRow,
    decision: PreparedDecision,
    parts?: readonly PreparedDecision[],
  ): void {
    slot.send({
      type: 'RECONCILED',
      operationId: row.id,
      attempt: row.attempts,
      decision,
      parts,
      at: ports.clock.now(),
      random: ports.random(),
    })
  }

  async function run(slot: OperationActor, row: OperationRow, controller: AbortController): Promise<void> {
    const parts = await decideAll(slot, row, controller.signal).catch((cause: unknown) => [failed(cause)])
    if (controllers.get(slot) !== controller) return
    controllers.delete(slot)
    answer(slot, row, ledBy(row, parts) ?? failed(undefined), isTogether(row) ? parts : undefined)
  }

  /** Of a transaction that is sent together all are looked at: the answer does not tell for certain which of them was refused. */
  async function decideAll(slot: OperationActor, row: OperationRow, signal: AbortSignal): Promise<readonly PreparedDecision[]> {
    if (!isTogether(row)) return [prepared(row, await decide(slot, row, signal))]
    const members = await transactions.wholeOf(row)
    const decisions: PreparedDecision[] = []
    for (const member of members) {
      const decision = member.transaction?.isMet ? MET : await decide(slot, member, signal)
      decisions.push(prepared(member, decision))
      // Who can't be asked now, or wants to be left alone, is not asked about the next; and the time that a function had was that of all.
      if (decision.type === 'failed' || (decision.type === 'park' && decision.error.cause instanceof TimeoutError)) break
    }
    return decidedTogether(members, decisions)
  }

  return {
    reconcile(slot: OperationActor, row: OperationRow): void {
      const controller = new AbortController()
      controllers.set(slot, controller)
      void run(slot, row, controller)
    },
    expire(slot: OperationActor, row: OperationRow): void {
      if (plays.expire(slot)) return
      answer(slot, row, {
        type: 'failed',
        error: new SyncError(
          'timeout',
          `Looking at the server took more than ${settings.sendTimeoutMs} ms (sendTimeoutMs); it is tried again.`,
          { retryable: true },
        ),
      })
    },
    /** The slot waits no longer: if the server had not answered, its time is up. */
    abort(slot: OperationActor): void {
      controllers.get(slot)?.abort()
      controllers.delete(slot)
      plays.stop(slot)
      if (asking.delete(slot)) tell('failed')
    },
    abortAll(): void {
      for (const controller of controllers.values()) controller.abort()
      controllers.clear()
      plays.stopAll()
      for (const slot of asking) signs.abandoned(slot)
      asking.clear()
    },
  }
}

const MET: Decision = { type: 'done' }

function failed(cause: unknown): PreparedDecision {
  return { type: 'failed', error: asSyncError(cause) }
}

function asSyncError(cause: unknown): SyncError {
  if (cause instanceof SyncError) return cause
  return new SyncError('reconcile-failed', 'Looking at the server failed; it is tried again.', { cause, retryable: true })
}
