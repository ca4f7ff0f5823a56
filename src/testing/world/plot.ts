import { withAudit } from './audit.ts'
import { drawChecks, type CheckStep } from './checks.ts'
import type { ReplicaDecay } from './decay.ts'
import { drawDecay, drawSpoils, type DecayStep } from './decaying.ts'
import { drawDecisions, type DecisionStep } from './decisions.ts'
import { withEncryption } from './encryption.ts'
import { drawNaming, drawTurns, type NamingStep, type TurnStep } from './naming.ts'
import { drawHabits, NO_HABITS, type HabitPlan } from './habits.ts'
import { drawLogOuts, withTwins, type LogOutStep } from './log-outs.ts'
import { drawPace, NO_PACE, type PacePlan } from './pacing.ts'
import { drawParts, type PartStep } from './parts.ts'
import { drawSchemas, type SchemaStep } from './schemas.ts'
import { withQuarrel } from './quarrel.ts'
import { withResolver } from './resolvers.ts'
import { drawSettings, withConflicts, withLines, withRetention, type WorldSettings } from './settings.ts'
import { drawReleases, type ReleaseStep } from './shapes.ts'
import type { Choices } from './tape.ts'
import { withTransactions } from './transactions.ts'
import { drawWorkload, type Step, type WorkloadShape } from './workload.ts'

/** How the engines of a world are set, and what people do there. */
export interface Plot {
  readonly settings: WorldSettings
  /** When the last of it is done. */
  readonly lastMs: number
  readonly plan: readonly Step[]
  readonly decisions: readonly DecisionStep[]
  /** Which parts are followed from when on. */
  readonly choosing: readonly PartStep[]
  /** When stores are checked; empty where nobody does so. */
  readonly checks: readonly CheckStep[]
  /** What is changed so that it passes a schema, or not. */
  readonly straining: readonly SchemaStep[]
  /** When newer builds of the application come. */
  readonly releasing: readonly ReleaseStep[]
  /** What is made by a temporary id, or names such. */
  readonly naming: readonly NamingStep[]
  readonly turning: readonly TurnStep[]
  readonly leaving: readonly LogOutStep[]
  readonly pace: PacePlan
  /** What becomes wrong on disks. */
  readonly decaying: readonly DecayStep[]
  /** By device, where replicas are compared with the server: what of each is to differ in the end. */
  readonly spoilt: readonly ReplicaDecay[]
  /** What people do where nothing else is going on. */
  readonly habits: HabitPlan
}

/** What may happen in a world beside its work and its faults: one of these, for each checker judges what it knows of. */
const THEMES = ['none', 'checks', 'releases', 'names', 'log-outs', 'pace', 'none'] as const

/** Of the worlds where stores may decay: so a quarter of all. */
const DECAY_SHARE = 0.6
/** Of those where stores are checked: a quarter of all. */
const COMPARED_SHARE = 0.8
/** Of those where there is no theme, and no store decays. */
const HABIT_SHARE = 0.8
/** Of all. */
const COPIES_SHARE = 0.25

/** What came later is drawn later: so a seed that is remembered for a mistake is still good for it where the new does not come up. */
export function drawPlot(choices: Choices, shape: WorkloadShape): Plot {
  const drawn = drawSettings(choices)
  const steps = drawWorkload(choices, shape)
  const settings = withConflicts(withLines(withRetention(drawn, choices), choices), choices)
  const lastMs = (steps.at(-1)?.atMs ?? 0) + 100
  const decisions = drawDecisions(choices, shape, lastMs)
  const { parts, steps: choosing } = drawParts(choices, shape, lastMs)
  const quarrel = withQuarrel({ settings: { ...settings, parts }, steps }, choices)
  const { schemas, steps: straining } = drawSchemas(choices, shape, lastMs)
  const { settings: last, steps: plan } = withTransactions(quarrel, choices)
  // Who follows parts knows too little of what he has not for a checker of both.
  const isPlain = parts.length === 0
  const sealed = withEncryption({ ...last, schemas: isPlain ? schemas : [] }, choices)
  const audited = withAudit(sealed, choices)
  // What a store without the keys can't be opened with, and what a schema made of a note, their own checkers judge.
  const isAlone = sealed.encryptedFromBuild === undefined && sealed.schemas.length === 0
  const theme = choices.pick(THEMES)
  const when = <T>(one: (typeof THEMES)[number], draw: () => T, otherwise: T): T => (theme === one ? draw() : otherwise)
  const checks = when('checks', () => drawChecks(choices, shape, lastMs), [])
  const { shapes, releases } = when('releases', () => drawReleases(choices, shape, lastMs), { shapes: 'none', releases: [] })
  const { hasFolders, steps: naming } = when('names', () => drawNaming(choices, shape, lastMs), { hasFolders: false, steps: [] })
  const leaving = when('log-outs', () => drawLogOuts(choices, shape, lastMs), [])
  const pace = when('pace', () => drawPace(choices, shape, lastMs), NO_PACE)
  // What a damaged store does is judged less, so nobody else's theme is there.
  const canDecay = theme === 'none' || theme === 'checks'
  const decaying = choices.chance(DECAY_SHARE) && canDecay ? drawDecay(choices, shape, lastMs) : []
  const isChecked = checks.length > 0 || decaying.length > 0
  const spoilt = choices.chance(COMPARED_SHARE) && isChecked ? drawSpoils(choices, shape) : []
  const isQuiet = theme === 'none' && decaying.length === 0
  const habits = isQuiet && choices.chance(HABIT_SHARE) ? drawHabits(choices, shape, lastMs) : NO_HABITS
  const turning = when('names', () => drawTurns(choices, shape, lastMs), [])
  // Who follows parts, or has a schema, is told of what was otherwise.
  const tellsTwice = habits.tellsTwice && isPlain && sealed.schemas.length === 0
  const twins = withTwins(leaving, choices)
  const hasCopies = choices.chance(COPIES_SHARE)
  const whole: WorldSettings = { ...audited, shapes: isAlone ? shapes : 'none', hasFolders, tellsTwice, hasCopies }
  return {
    settings: withResolver(withBudget(whole, pace), choices),
    checks,
    releasing: isAlone ? releases : [],
    lastMs,
    plan,
    decisions,
    choosing,
    straining: isPlain ? straining : [],
    naming,
    turning,
    leaving: twins,
    pace,
    decaying,
    spoilt,
    habits,
  }
}

function withBudget(settings: WorldSettings, { budget }: PacePlan): WorldSettings {
  return { ...settings, engine: { ...settings.engine, retry: { ...settings.engine.retry, ...budget } } }
}
