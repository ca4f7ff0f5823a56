import { isTerminal, type OperationRow } from '../core/operation.ts'
import { backlogIn } from './world/backlog.ts'
import { proveAgreement } from './agreement.ts'
import { checkAtRest } from './world/checks.ts'
import type { Storm } from './faults/storm.ts'
import type { Habits } from './world/habits.ts'
import type { ReplicaDecay } from './world/decay.ts'
import type { Decaying } from './world/decaying.ts'
import type { Caretaker } from './world/caretaker.ts'
import { decideParked, isMisdated, resumeAll, sendMisdated } from './world/people.ts'
import { mendNotes } from './world/schemas.ts'
import { rest } from './world/pacing.ts'
import type { World } from './world/world.ts'

/** What did not come to an end in time. */
export interface Failure {
  readonly invariant: string
  readonly sentence: string
}

const LOOK_EVERY_MS = 2_000
/** So many, and one for each operation: behind one that is decided about the next of its lane may wait for another. */
const DECISIONS = 20
const DAY_MS = 86_400_000
/** The longest Retry-After that is believed, and some more. */
const LONGEST_NIGHT_MS = DAY_MS + DAY_MS / 24
const LEAVE_MS = 120_000
/** How often a pause is slept over. */
const NIGHTS = 3

/** What is looked at beside, and what goes wrong in the end. */
export interface Ending {
  readonly isChecked: boolean
  readonly isPaced: boolean
  readonly habits: Habits
  readonly decaying: Decaying
  /** By device: what of its replica is to differ from the server. */
  readonly spoilt: readonly ReplicaDecay[]
  readonly fired: Storm['fired']
}

/**
 * Faults have stopped: everything must come to an end by itself within L1's bound, then what waited for a decision, user by user; and everybody
 * leaves without a trace (L10).
 */
export async function proveLiveness(
  world: World,
  caretaker: Caretaker,
  hasNews: () => boolean,
  failed: () => boolean,
  { isChecked, isPaced, habits, decaying, spoilt, fired }: Ending,
): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  const fail = (invariant: string, sentence: string): void => void failures.push({ invariant, sentence })
  for (const user of ['u1', 'u2']) {
    logInWhereNeeded(world, user)
    const limit = DECISIONS + liveIn(world)
    for (let decisions = 0; ; decisions++) {
      await drain(world, decaying, hasNews, failed, fail)
      if (failures.length > 0 || failed()) return failures
      if (!decideParked(world, decisions) && !mendNotes(world)) break
      if (decisions === limit) {
        fail('L7', `After ${limit} decisions these still wait for one: ${listOf(world, 'parked')}.`)
        return failures
      }
    }
  }
  await decaying.mendAll(failed)
  await proveAnswers(world, habits, failed, fail)
  if (failures.length > 0 || failed()) return failures
  failures.push(...(await proveAgreement(world, failed)))
  if (failures.length > 0 || failed()) return failures
  if (isChecked) await checkAtRest(world, failed, spoilt, fired)
  if (isPaced) await rest(world, failed)
  if (failed()) return failures
  caretaker.goHome()
  await leave(world, fail)
  return failures
}

/** Whoever asks for a pull, in whichever tab, has an answer, though nobody asks any more (L5). */
async function proveAnswers(
  world: World,
  { pullIn, unanswered }: Habits,
  failed: () => boolean,
  fail: (invariant: string, sentence: string) => void,
): Promise<void> {
  const isOver = (): boolean => failed() || unanswered().length === 0
  const mostTabs = Math.max(...world.devices.map(({ tabs }) => tabs.length))
  for (let tab = -1; tab < mostTabs; tab++) {
    pullIn(tab)
    for (let nights = 0; !isOver() && nights < NIGHTS; nights++) {
      await world.scheduler.run(world.scheduler.now() + boundOf(world), isOver)
      if (isOver()) break
      // A server may have asked for any pause: that is slept over.
      for (const device of world.devices) device.sleep(DAY_MS, true)
      await world.scheduler.run(world.scheduler.now() + LOOK_EVERY_MS, failed)
    }
    if (!isOver()) return fail('L5', `${unanswered().join(', ')} was asked to synchronise, and has not answered.`)
  }
}

function liveIn({ devices }: World): number {
  return devices.reduce((sum, device) => sum + backlogIn(device).live.length, 0)
}

/** Until only what is parked, and what waits for that, is left (L1, L4, L5). */
async function drain(
  world: World,
  decaying: Decaying,
  hasNews: () => boolean,
  failed: () => boolean,
  fail: (invariant: string, sentence: string) => void,
): Promise<void> {
  const begun = world.scheduler.now()
  const boundMs = boundOf(world)
  let nightsMs = 0
  const isQuiet = (): boolean => isDrainedNow(world) && decaying.isMended()
  const isDrained = (): boolean => failed() || (hasNews() && isQuiet())
  for (;;) {
    resumeAll(world)
    sendMisdated(world)
    const how = await world.scheduler.run(world.scheduler.now() + LOOK_EVERY_MS, isDrained)
    if (how === 'settled' || isQuiet()) return
    // Not before: what people have decided is done by now.
    decaying.mend()
    const nightMs = nightBefore(world)
    if (nightMs > 0 && nightsMs < LONGEST_NIGHT_MS) {
      nightsMs += nightMs
      for (const device of world.devices) device.sleep(nightMs, true)
    }
    if (world.scheduler.now() - begun < boundMs) continue
    fail('L1', `After ${boundMs} ms without faults these have not ended: ${listOf(world, 'free')}${sleepersOf(world)}.`)
    return
  }
}

function isDrainedNow(world: World): boolean {
  return world.devices.every(
    (device) => backlogIn(device).free.length === 0 && device.tabs.every((tab) => tab.ready() !== undefined),
  )
}

/** How long nothing at all is due anywhere, if that is long: a server asked for it. What is queued stands behind, or does not wake up after the night either. */
function nightBefore(world: World): number {
  let nightMs = Infinity
  for (const device of world.devices) {
    const { free } = backlogIn(device)
    for (const row of free) {
      // Nobody sleeps for a year over what somebody is about to send.
      if (isMisdated(device, row)) return 0
      const { status, attempts, dueAt = 0 } = row
      // One whose row had lost its lane is mended, and stands before what was sent meanwhile.
      const isBehind =
        status === 'waiting' && dueAt <= device.wallTime() && (attempts === 0 || free.some((other) => isBefore(other, row)))
      if (status === 'queued' || isBehind) continue
      if (status !== 'waiting') return 0
      nightMs = Math.min(nightMs, dueAt - device.wallTime())
    }
  }
  // Nor over what a clock that is right again dates too late: that is dated anew.
  return nightMs > 30_000 && nightMs < LONGEST_NIGHT_MS ? nightMs - 5_000 : 0
}

function isBefore(other: OperationRow, row: OperationRow): boolean {
  return other.lane === row.lane && other.seq < row.seq
}

/** The longest that each part may take once, after the longest Retry-After is slept over; and the operations one after the other. */
function boundOf({ settings, devices }: World): number {
  const { retry, breaker, lock, sendTimeoutMs = 0, authPauseMs = 0 } = settings.engine
  const count = devices.reduce((sum, { disk }) => sum + disk.operations.size, 0)
  const once = [
    (retry?.budget === undefined ? 2 : 4) * (retry?.capMs ?? 0),
    breaker?.cooldownMs,
    breaker?.probeTimeoutMs,
    lock?.staleMs,
    2 * (lock?.pollMs ?? 0),
    sendTimeoutMs,
    settings.requestTimeoutMs,
    authPauseMs,
    PAUSE_MS,
    START_MS,
  ]
  return once.reduce((sum: number, ms) => sum + (ms ?? 0), 0) + count * ROUND_TRIPS_MS
}

/** The longest pause and rest that the server asks for. */
const PAUSE_MS = 10_000
/** To open a store again, and for the engine's longest look-again. */
const START_MS = 65_000
const ROUND_TRIPS_MS = 400

function logInWhereNeeded({ devices }: World, user: string): void {
  for (const device of devices) {
    const isNeeded = [...device.disk.operations.values()].some((row) => row.user === user && !isTerminal(row.status))
    if (device.user !== user && isNeeded) device.logIn(user, false)
  }
}

async function leave(world: World, fail: (invariant: string, sentence: string) => void): Promise<void> {
  const tabs = world.devices.flatMap((device) => device.tabs)
  for (const tab of tabs) void tab.stop()
  const how = await world.scheduler.run(world.scheduler.now() + LEAVE_MS, () => false)
  const open = tabs.filter((tab) => tab.isOpen()).map(({ name }) => name)
  if (open.length > 0) fail('L10', `${open.join(', ')} did not stop within ${LEAVE_MS} ms.`)
  else if (how !== 'empty') fail('L10', 'Every engine has stopped, but something is still scheduled.')
}

function sleepersOf({ devices }: World): string {
  const names = devices.flatMap(({ tabs }) => tabs.filter((tab) => tab.ready() === undefined).map(({ name }) => name))
  return names.length === 0 ? '' : `, nor started ${names.join(', ')}`
}

function listOf(world: World, which: 'free' | 'parked'): string {
  return world.devices
    .flatMap((device) => {
      const backlog = backlogIn(device)
      return backlog[which].map((row) => `${inWords(row)} of ${device.name}`)
    })
    .join(', ')
}

function inWords({ id, status, dueAt }: OperationRow): string {
  return `${id} (${status}${dueAt === undefined ? '' : `, due ${dueAt}`})`
}
