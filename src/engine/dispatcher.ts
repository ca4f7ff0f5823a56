import type { DrainCommand, DrainReport } from '../../machines/engine.ts'
import type { OperationActor, OperationEvent } from '../../machines/operation.ts'
import { StorageConflictError, StorageFencedError } from '../core/errors.ts'
import { isTerminal, laneOf, type ConflictRecord, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { SystemPorts } from '../core/ports.ts'
import { release } from '../core/rows.ts'
import { IN_PLAY } from '../core/schema.ts'
import { createAlarms } from './alarms.ts'
import { unreadable } from './blockages.ts'
import type { Choice } from './chooser.ts'
import { createClaims } from './claims.ts'
import { createClockCheck } from './clock-check.ts'
import { createGate } from './gate.ts'
import { createLaneBoard } from './lane-board.ts'
import { createDoubts } from './doubts.ts'
import { ledgerEntry, parkedEntry, type LedgerEntry } from './ledger.ts'
import type { DispatcherHooks, DispatcherParts } from './dispatcher-hooks.ts'
import { createTurnCommit, type TurnResult } from './turn-commit.ts'

type Phase = { readonly type: 'following' } | { readonly type: 'held' | 'draining' | 'quiescing'; readonly epoch: number }

const LINGER_MS = 50
const STORAGE_RETRY_MS = 1_000

/**
 * The owner's loop. One turn writes, in one commit, what the operations in play have come to and the claims of those that go next;
 * then it acknowledges the former and hands out the latter. A few operations are claimed ahead, so that commits are shared.
 */
export function createDispatcher(settings: Settings, { clock }: SystemPorts, parts: DispatcherParts, hooks: DispatcherHooks) {
  const { store, replica, chooser, transactions, renamer } = parts
  const commitTurn = createTurnCommit(replica, transactions, renamer)
  const gate = createGate(settings, hooks.breaker)
  const lanes = createLaneBoard(store, settings.user, (entry) => hooks.quarantined(Number(entry.key), unreadable(entry)))
  const claims = createClaims(store, clock, lanes, chooser, hooks.quarantined)
  const alarms = createAlarms(clock, turn)
  const clockCheck = createClockCheck(store, settings.user, clock)
  const doubts = createDoubts(store)
  const rows = new Map<OperationActor, OperationRow>()
  const flying = new Set<OperationActor>()
  /** Slots that go on with their operation as soon as its row is written: they keep their place among the requests in flight. */
  const returning = new Set<OperationActor>()
  let phase: Phase = { type: 'following' }
  let report: (report: DrainReport) => void = () => {}
  let ready: OperationRow[] = []
  let ledger: LedgerEntry[] = []
  let turning: 'no' | 'yes' | 'again' = 'no'

  function turn(): void {
    if (turning === 'no') void turnUntilDone()
    else turning = 'again'
  }

  async function turnUntilDone(): Promise<void> {
    let isBroken: boolean
    do {
      turning = 'yes'
      isBroken = await turnOnce().then(() => false, recover)
    } while (turning !== 'yes')
    turning = 'no'
    // What has come since its last look nobody else looks at.
    if (!isBroken && ledger.length > 0) turnSoon()
  }

  async function turnOnce(): Promise<void> {
    alarms.stop()
    if (phase.type === 'following') return
    const { epoch } = phase
    try {
      await turnAs(epoch)
    } catch (error) {
      if (isOwnerOf(epoch)) throw error
    }
    if (!isOwnerOf(epoch)) startOver()
  }

  /** A turn that outlived its ownership leaves nothing behind for the next one. */
  function startOver(): void {
    clear()
    lanes.begin()
    turning = 'again'
  }

  async function turnAs(epoch: number): Promise<void> {
    const { known, again, ended } = await doubts.look()
    if (await clockCheck.correct(epoch, [...doubts.entries(), ...ledger])) forgetLanes()
    await replica.own(epoch)
    const choices = await claims.choose(room(), isHeld)
    if (!isOwnerOf(epoch)) return
    // Taken only now: what fails before the commit leaves them where they are.
    const claimed = isHeld() ? ready.splice(0) : []
    const unsent = claimed.map((row) => (row.status === 'sending' ? release(row, settings.ageingMs) : row))
    const news = [...again, ...ledger.splice(0)]
    const entries = [...known, ...news]
    const turn = { news, known, ended, unsent, choices, expect: claims.expectation(choices) }
    let result: TurnResult
    try {
      result = await commitTurn(epoch, turn)
    } catch (error) {
      claims.leave(choices)
      doubts.keep(entries, error instanceof StorageConflictError ? [] : choices)
      if (error instanceof StorageConflictError) ready.unshift(...claimed)
      else for (const row of claimed) lanes.leave(laneOf(row.user, row.entity, row.entityId), 0)
      throw error
    }
    if (!isOwnerOf(epoch)) return
    doubts.clear()
    for (const entry of entries) acknowledge(entry)
    for (const { row, conflict } of result.followers) recorded(row, conflict)
    // Edits in between may have freed lanes.
    if (known.length + again.length > 0) forgetLanes()
    for (const row of unsent) lanes.leaveUnsent(row)
    for (const { lane, rank } of result.moved) if (lane !== undefined) lanes.queued(lane, rank ?? 0)
    for (const choice of choices) {
      if (result.choices.includes(choice)) accept(choice)
      else lanes.leave(choice.lane, 0)
    }
    if (result.undoing.length > 0) hooks.accepted(result.undoing)
    for (const row of result.left) hooks.left(row)
    handOut()
    settle(choices.length)
  }

  /** True: the next turn is one that something else asks for. */
  function recover(error: unknown): true {
    if (error instanceof StorageFencedError) {
      disown()
      report({ type: 'DRAIN.FENCED' })
      return true
    }
    forgetLanes()
    lanes.begin()
    if (error instanceof StorageConflictError) turning = 'again'
    else {
      hooks.failed(error)
      alarms.wakeIn(STORAGE_RETRY_MS)
    }
    return true
  }

  function isOwnerOf(epoch: number): boolean {
    return phase.type !== 'following' && phase.epoch === epoch
  }

  function isHeld(): boolean {
    return phase.type !== 'draining' || gate.isClosed()
  }

  /** How many requests may leave. */
  function permits(): number {
    return isHeld() ? 0 : gate.permits(flying.size + returning.size - hooks.shared())
  }

  function room(): number {
    return isHeld() ? 0 : gate.room(flying.size + returning.size, ready.length)
  }

  function accept({ lane, row, ended, nextRank }: Choice): void {
    for (const other of ended) recorded(other)
    if (row === undefined) lanes.leave(lane, nextRank)
    else ready.push(row)
  }

  function handOut(): void {
    for (let left = permits(); ;) {
      const row = ready[0]
      const isCarried = row !== undefined && !gate.isProbing() && hooks.ridesAlong(row)
      if (row === undefined || isHeld() || (left <= 0 && !isCarried)) return
      if (!isCarried) left -= 1
      ready.shift()
      const slot = hooks.takeSlot()
      rows.set(slot, row)
      if (row.status !== 'rollingBack') hooks.started(row)
      slot.send({ type: 'ASSIGN', row })
    }
  }

  function acknowledge({ slot, row, conflict }: LedgerEntry): void {
    recorded(row, conflict)
    if (slot === undefined) lanes.leaveWith(row)
    else slot.send({ type: 'RECORDED' })
  }

  function recorded(row: OperationRow, conflict?: ConflictRecord): void {
    hooks.recorded(row, conflict)
    if (isTerminal(row.status)) lanes.ended(row.id)
  }

  function settle(chosen: number): void {
    if (turning === 'again') return
    if (room() > 0 && (chosen > 0 || !lanes.isExhausted(clock.now()))) return turn()
    if (ledger.length > 0) return turnSoon()
    const isIdle = flying.size === 0 && (ready.length === 0 || gate.isProbing())
    const dueAt = lanes.nextDueAt()
    if (room() > 0 && dueAt !== undefined) alarms.wakeIn(dueAt - clock.now())
    if (!isIdle) return
    if (phase.type === 'quiescing') report({ type: 'DRAIN.QUIET' })
    hooks.quiet()
  }

  /** Several outcomes share a commit, unless somebody waits for it. */
  function turnSoon(): void {
    const isStarving = gate.isLow(ready.length) && !lanes.isExhausted(clock.now())
    if (isStarving || flying.size === 0 || ledger.length >= gate.ahead) return turn()
    alarms.lingerFor(LINGER_MS)
  }

  function forgetLanes(): void {
    claims.forget()
    lanes.forget()
  }

  function disown(): void {
    phase = { type: 'following' }
    hooks.abandon()
    alarms.stop()
    clear()
    hooks.quiet()
  }

  function clear(): void {
    rows.clear()
    flying.clear()
    returning.clear()
    lanes.clear()
    ready = []
    ledger = []
    doubts.clear()
    forgetLanes()
  }

  function command(message: DrainCommand): void {
    if (message.type === 'DISOWN') return disown()
    if (message.type === 'OWN') {
      forgetLanes()
      lanes.begin()
      clockCheck.begin()
      phase = { type: 'held', epoch: message.epoch }
    } else if (phase.type === 'following') {
      if (message.type === 'QUIESCE') report({ type: 'DRAIN.QUIET' })
      return
    } else phase = { type: PHASES[message.type], epoch: phase.epoch }
    turn()
  }

  return {
    command,
    turn,
    attach(to: (report: DrainReport) => void): void {
      report = to
    },
    enqueued(queued: readonly OperationRow[]): void {
      for (const { lane, rank, dueAt } of queued) {
        if (lane !== undefined && rank !== undefined) lanes.queued(lane, rank)
        else if (dueAt !== undefined) lanes.scheduled(dueAt)
      }
      if (phase.type === 'draining' && room() > 0) turn()
    },
    /** The store was written by others, or rows were edited. */
    changed(): void {
      forgetLanes()
      turn()
    },
    departed(slot: OperationActor): void {
      returning.delete(slot)
      flying.add(slot)
    },
    record(slot: OperationActor, row: OperationRow, event: OperationEvent): void {
      flying.delete(slot)
      if (row.dueAt === IN_PLAY) returning.add(slot)
      ledger.push(ledgerEntry(slot, row, rows.get(slot), event))
      rows.set(slot, row)
      // Not now: this is an action of the slot, in which no actor should be made.
      queueMicrotask(handOut)
      // A turn that is under way looks at what has come meanwhile when it ends.
      if (turning === 'no' || flying.size === 0) turnSoon()
    },
    vacated(slot: OperationActor, row: OperationRow | undefined): void {
      rows.delete(slot)
      if (row !== undefined) lanes.leaveWith(row)
    },
    /** The slot's actor died: what became of its operation is unknown, so it waits for a decision. */
    slotFailed(slot: OperationActor, cause: unknown): void {
      const row = rows.get(slot)
      rows.delete(slot)
      flying.delete(slot)
      returning.delete(slot)
      if (row === undefined || isTerminal(row.status)) return
      ledger.push(parkedEntry(row, cause))
      turn()
    },
    isOwner: (): boolean => phase.type !== 'following',
    nextDueAt: lanes.nextDueAt,
  }
}

const PHASES = { DRAIN: 'draining', HOLD: 'held', QUIESCE: 'quiescing' } as const
