import type { FaultKind } from './faults/kinds.ts'
import { createStorm } from './faults/storm.ts'
import type { Violation } from './invariants/invariant.ts'
import { watchInvariants } from './invariants/index.ts'
import { proveLiveness } from './liveness.ts'
import { letPeopleCheck } from './world/checks.ts'
import { createCaretaker } from './world/caretaker.ts'
import type { Fact } from './world/facts.ts'
import { letPeopleName, letPeopleTurn } from './world/naming.ts'
import { createHabits } from './world/habits.ts'
import { createLogOuts } from './world/log-outs.ts'
import { letTimePass, liftWishes } from './world/pacing.ts'
import { letPeopleChoose } from './world/parts.ts'
import { letPeopleWork } from './world/people.ts'
import { splitSeed } from './world/random.ts'
import { createDecaying } from './world/decaying.ts'
import { letPeopleDecide } from './world/decisions.ts'
import { drawPlot } from './world/plot.ts'
import { letPeopleStrain } from './world/schemas.ts'
import { createEngineTrace } from './world/engine-trace.ts'
import { letPeopleRelease } from './world/shapes.ts'
import { choicesOf, recordedTape, replayedTape, type Tape } from './world/tape.ts'
import { createTrace } from './world/trace.ts'
import { createWorld } from './world/world.ts'

/** Everything that chance decides in one run; each part can be shrunk on its own. */
export interface Tapes {
  /** What is asked of the engines, where and when, and how they are set. */
  readonly workload: readonly number[]
  /** How long things take, and so their order; the jitter of retries. */
  readonly schedule: readonly number[]
  /** What goes wrong. */
  readonly faults: readonly number[]
}

export interface SimulationShape {
  readonly deviceCount: number
  readonly tabsPerDevice: number
  readonly steps: number
}

export interface SimulationOptions {
  readonly shape?: Partial<SimulationShape>
  /** Keeps the text of the trace. */
  readonly keepsText?: boolean
  /** Keeps what the engines record, for the inspector. */
  readonly keepsTrace?: boolean
  /** Default true. */
  readonly hasFaults?: boolean
  /** The crash point, counted from 1, at which its process dies. */
  readonly crashAt?: number
}

export interface SimulationResult {
  /** Of everything that happened: same commit and same tapes, same hash (S30). */
  readonly hash: string
  /** Draws as they were made: `replay` runs them again. */
  readonly tapes: Tapes
  readonly lines: readonly string[]
  /** In the format of docs/trace-format.md; empty unless it is kept. */
  readonly trace: string
  /** Empty, or a bug. The run ends at the first. */
  readonly violations: readonly Violation[]
  /** How often each kind of fault fired. */
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly steps: number
  readonly operations: number
  readonly virtualMs: number
  /** Moments at which a process could have died with another result: before its calls of ports, and before their answers. */
  readonly crashPoints: number
}

const SHAPE: SimulationShape = { deviceCount: 3, tabsPerDevice: 2, steps: 40 }

/** One run, drawn from a seed. */
export function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const { hasFaults = true } = options
  const tapeOf = (name: keyof Tapes): Tape =>
    name === 'faults' && !hasFaults ? replayedTape([]) : recordedTape(splitSeed(seed, name))
  return run(tapeOf, options)
}

/** One run, as these tapes say. */
export function replay(tapes: Tapes, options: SimulationOptions = {}): Promise<SimulationResult> {
  return run((name) => replayedTape(tapes[name]), options)
}

async function run(tapeOf: (name: keyof Tapes) => Tape, options: SimulationOptions): Promise<SimulationResult> {
  const shape = { ...SHAPE, ...options.shape }
  const tapes = { workload: tapeOf('workload'), schedule: tapeOf('schedule'), faults: tapeOf('faults') }
  const schedule = choicesOf(tapes.schedule)
  const storm = createStorm(choicesOf(tapes.faults))
  const trace = createTrace(options.keepsText ?? false)
  const engines = options.keepsTrace === true ? createEngineTrace(() => world.scheduler.now()) : undefined
  const plot = drawPlot(choicesOf(tapes.workload), shape)
  const { settings, lastMs, plan, decisions, choosing, checks, straining, releasing, naming, leaving, pace } = plot
  const decayingSteps = options.hasFaults === false ? [] : plot.decaying
  const world = createWorld({
    ...shape,
    settings,
    choices: schedule,
    fateOf: storm.fateOf,
    pushFate: storm.pushFate,
    observe,
    traced: engines?.traced,
    crashAt: options.crashAt,
  })
  const caretaker = createCaretaker(world, schedule)
  const logOuts = createLogOuts(world)
  const habits = createHabits(world)
  const watch = watchInvariants(world)
  const decaying = createDecaying(world, decayingSteps, storm.fired)
  let hasNews = true

  function observe(fact: Fact): void {
    trace.add(fact)
    engines?.see(fact)
    watch.see(fact)
    caretaker.see(fact)
    logOuts.see(fact)
    hasNews ||= fact.type === 'committed'
  }

  function takeNews(): boolean {
    const had = hasNews
    hasNews = false
    return had
  }

  const failed = (): boolean => watch.violations.length > 0
  caretaker.openAll()
  letPeopleWork(world, plan)
  letPeopleDecide(world, decisions)
  letPeopleChoose(world, choosing)
  letPeopleCheck(world, checks)
  letPeopleStrain(world, straining)
  letPeopleRelease(world, releasing, lastMs)
  letPeopleName(world, naming)
  letPeopleTurn(world, plot.turning)
  logOuts.begin(leaving)
  letTimePass(world, pace)
  habits.begin(plot.habits)
  storm.begin(world, lastMs)
  decaying.begin()
  await world.scheduler.run(lastMs + storm.lingersMs(), failed)
  storm.end()
  world.server.changes.hasCopies = false
  logOuts.over()
  liftWishes(world, pace)
  caretaker.openAll()
  if (!failed())
    for (const { invariant, sentence } of await proveLiveness(world, caretaker, takeNews, failed, {
      isChecked: checks.length > 0 || decayingSteps.length > 0,
      decaying,
      // Whoever dies in the midst of that leaves it to who owns the lease next, for whom nobody waits here.
      spoilt: options.hasFaults === false || options.crashAt !== undefined ? [] : plot.spoilt,
      fired: storm.fired,
      isPaced: pace.periodic.length > 0,
      habits,
    }))
      watch.report(invariant, sentence)
  if (!failed()) watch.end()
  return {
    hash: trace.hash(),
    tapes: { workload: tapes.workload.numbers(), schedule: tapes.schedule.numbers(), faults: tapes.faults.numbers() },
    lines: trace.lines(),
    trace: engines?.text(watch.violations) ?? '',
    violations: watch.violations,
    faults: storm.counts(),
    steps: world.scheduler.steps(),
    operations: watch.operations(),
    virtualMs: world.scheduler.now(),
    crashPoints: world.crashPoints(),
  }
}
