import { backlogOf } from './world/backlog.ts'
import type { Fact } from './world/facts.ts'
import { decideParked, letPeopleWork, resumeAll } from './world/people.ts'
import { splitSeed } from './world/random.ts'
import { drawSettings } from './world/settings.ts'
import { choicesOf, recordedTape, replayedTape, type Tape } from './world/tape.ts'
import { createTrace } from './world/trace.ts'
import { drawWorkload } from './world/workload.ts'
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
}

export interface SimulationResult {
  /** Of everything that happened: same commit and same tapes, same hash (S30). */
  readonly hash: string
  /** Draws as they were made: `replay` runs them again. */
  readonly tapes: Tapes
  readonly lines: readonly string[]
  readonly steps: number
  readonly operations: number
  readonly virtualMs: number
  readonly drained: boolean
}

const SHAPE: SimulationShape = { deviceCount: 3, tabsPerDevice: 2, steps: 40 }

/** One run, drawn from a seed. */
export function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  return run((name) => recordedTape(splitSeed(seed, name)), options)
}

/** One run, as these tapes say. */
export function replay(tapes: Tapes, options: SimulationOptions = {}): Promise<SimulationResult> {
  return run((name) => replayedTape(tapes[name]), options)
}

async function run(
  tapeOf: (name: keyof Tapes) => Tape,
  { shape: given, keepsText = false }: SimulationOptions,
): Promise<SimulationResult> {
  const shape = { ...SHAPE, ...given }
  const tapes = { workload: tapeOf('workload'), schedule: tapeOf('schedule'), faults: tapeOf('faults') }
  const trace = createTrace(keepsText)
  const workload = choicesOf(tapes.workload)
  let operations = 0
  let hasNews = true
  const world = createWorld({
    ...shape,
    settings: drawSettings(workload),
    choices: choicesOf(tapes.schedule),
    observe(fact: Fact) {
      trace.add(fact)
      if (fact.type === 'accepted') operations += fact.ids.length
      if (fact.type === 'committed') hasNews = true
    },
  })
  const plan = drawWorkload(workload, shape)
  for (const device of world.devices) for (const tab of device.tabs) tab.start()
  letPeopleWork(world, plan)
  const lastMs = (plan.at(-1)?.atMs ?? 0) + 100
  await world.scheduler.run(lastMs, () => false)
  resumeAll(world)
  const drained = (): boolean => {
    if (!hasNews) return false
    hasNews = false
    const backlogs = world.devices.map(({ disk }) => backlogOf(disk.operations.values()))
    if (backlogs.some(({ free }) => free.length > 0)) return false
    return !decideParked(world)
  }
  const reason = await world.scheduler.run(lastMs + 600_000, drained)
  return {
    hash: trace.hash(),
    tapes: { workload: tapes.workload.numbers(), schedule: tapes.schedule.numbers(), faults: tapes.faults.numbers() },
    lines: trace.lines(),
    steps: world.scheduler.steps(),
    operations,
    virtualMs: world.scheduler.now(),
    drained: reason === 'settled',
  }
}
