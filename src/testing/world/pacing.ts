import type { EnqueueInput, SyncEngine } from '../../engine/types.ts'
import type { ServerResponse } from './messages.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { WorldSettings } from './settings.ts'
import type { Tab } from './tab.ts'
import type { Choices } from './tape.ts'
import type { World } from './world.ts'

/** From then on, for so long, every answer of the server asks for this. */
interface Wish {
  readonly atMs: number
  readonly forMs: number
  readonly headers: Readonly<Record<string, string>>
}

/** Somebody enqueues something that is not to be sent before so many milliseconds are over. */
interface Later extends Moment {
  readonly inMs: number
  readonly input: EnqueueInput
}

/** A tab synchronises again and again, from then on. */
interface Periodic extends Moment {
  readonly everyMs: number
}

/** From then on, for so long, the server fails whatever it is asked for. */
interface Failing {
  readonly atMs: number
  readonly forMs: number
}

export interface PacePlan {
  readonly budget: WorldSettings['engine']['retry']
  readonly wishes: readonly Wish[]
  readonly later: readonly Later[]
  readonly periodic: readonly Periodic[]
  readonly failing: readonly Failing[]
}

const WISHES = 4
const LATER = 8
const PERIODIC = 2
const FAILING = 3

export const NO_PACE: PacePlan = { budget: undefined, wishes: [], later: [], periodic: [], failing: [] }

/** Drawn after everything else, so that a world in which nobody waits for a time and the server asks for nothing is as it was. */
export function drawPace(choices: Choices, places: Places, lastMs: number): PacePlan {
  const at = (): Moment => drawMoment(choices, places, [500, lastMs])
  const budget = choices.pick([undefined, { budget: { tokens: 10, ratio: 0.1 } }, { budget: { tokens: 2, ratio: 0.5 } }])
  const wishes = Array.from({ length: WISHES }, () => ({
    atMs: choices.whole(500, Math.max(500, lastMs)),
    forMs: choices.whole(100, 8_000),
    headers: headersOf(choices.pick(['pause', 'poll', 'batch', 'all']), choices.whole(1, 5)),
  }))
  const later = Array.from({ length: LATER }, (_, number) => ({
    ...at(),
    inMs: choices.pick([500, 100, 3_000, 20_000]),
    input: inputOf(choices.whole(0, 4), number),
  }))
  const periodic = Array.from({ length: PERIODIC }, () => ({ ...at(), everyMs: choices.pick([1_000, 400, 5_000]) }))
  const failing = Array.from({ length: FAILING }, () => ({
    atMs: choices.whole(500, Math.max(500, lastMs)),
    forMs: choices.whole(500, 6_000),
  }))
  return { budget, wishes, later, periodic, failing }
}

function headersOf(kind: 'pause' | 'poll' | 'batch' | 'all', amount: number): Readonly<Record<string, string>> {
  return {
    ...(kind === 'pause' || kind === 'all' ? { 'synchart-pause': String(amount) } : {}),
    ...(kind === 'poll' || kind === 'all' ? { 'synchart-min-poll': String(amount) } : {}),
    ...(kind === 'batch' || kind === 'all' ? { 'synchart-max-batch': String(amount - 1) } : {}),
  }
}

function inputOf(place: number, number: number): EnqueueInput {
  return { type: 'update', entity: 'note', id: `n${place}`, payload: { c: -1_000 - number } }
}

export function letTimePass(world: World, { wishes, later, periodic, failing }: PacePlan): void {
  const { scheduler, server, devices } = world
  for (const { atMs, forMs, headers } of wishes) {
    scheduler.after(atMs, () => (server.wishes = headers))
    scheduler.after(atMs + forMs, () => {
      if (server.wishes === headers) server.wishes = LIFTED
    })
  }
  for (const { atMs, forMs } of failing) {
    scheduler.after(atMs, () => (server.outage ??= FAILS))
    scheduler.after(atMs + forMs, () => {
      if (server.outage === FAILS) server.outage = undefined
    })
  }
  for (const { atMs, device, tab, inMs, input } of later)
    scheduler.after(atMs, () => {
      const one = devices[device]
      one?.tabs[tab]?.enqueue([{ ...input, notBefore: Math.max(0, one.wallTime() + inMs) }], () => {})
    })
  for (const { atMs, device, tab, everyMs } of periodic)
    scheduler.after(atMs, () => repeatIn(world, devices[device]?.tabs[tab], everyMs))
}

function repeatIn({ tell }: World, tab: Tab | undefined, everyMs: number): void {
  const engine = tab?.ready()
  if (tab === undefined || engine === undefined) return
  const did = (action: string, result: string): void => tell({ type: 'did', tab: tab.name, action, result })
  did('scheduled', String(everyMs))
  engine.schedulePeriodic({ everyMs })
  if (heard.has(engine)) return
  heard.add(engine)
  // What is told at once is under way already.
  let isNews = false
  engine.progress$.subscribe(({ phase }) => isNews && phase === 'pushing' && did('synchronises', 'begun'))
  isNews = true
}

/** Those that tell already when they synchronise. */
const heard = new WeakSet<SyncEngine>()

/** It asks for no rest: how soon it is tried again is left to its clients. */
const FAILS: ServerResponse = { status: 500, headers: {}, body: '' }

/** More than the longest rest of a schedule, and a synchronisation after it. */
const REST_MS = 20_000

/** Nobody does anything any more, and what is scheduled goes on. */
export async function rest({ scheduler, tell }: World, failed: () => boolean): Promise<void> {
  const did = (result: string): void => tell({ type: 'did', tab: 'nobody', action: 'rests', result })
  did('begun')
  await scheduler.run(scheduler.now() + REST_MS, failed)
  did('done')
}

/** Whoever hears it may poll and send as he likes. */
const LIFTED = { 'synchart-min-poll': '0', 'synchart-max-batch': '1000' }

/** The server asks for nothing more. */
export function liftWishes({ server }: World, { wishes }: PacePlan): void {
  if (wishes.length > 0) server.wishes = LIFTED
}
