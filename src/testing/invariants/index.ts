import type { Fact } from '../world/facts.ts'
import { dueSince } from '../world/backlog.ts'
import type { World } from '../world/world.ts'
import { acceptance } from './acceptance.ts'
import { alerting } from './alerting.ts'
import { audit } from './audit.ts'
import { breaker } from './breaker.ts'
import { budgets } from './budgets.ts'
import { builds } from './builds.ts'
import { choices } from './choices.ts'
import { consulting } from './consulting.ts'
import { counting } from './counting.ts'
import { decisions } from './decisions.ts'
import { dependencies } from './dependencies.ts'
import { durability } from './durability.ts'
import { effects } from './effects.ts'
import { endings } from './endings.ts'
import { farewells } from './farewells.ts'
import { handlers } from './handlers.ts'
import type { Checker, Picture, Report, Violation } from './invariant.ts'
import { leases } from './leases.ts'
import { lines } from './lines.ts'
import { lives } from './lives.ts'
import { load } from './load.ts'
import { logOuts } from './log-outs.ts'
import { loops } from './loops.ts'
import { merging } from './merging.ts'
import { names } from './names.ts'
import { outages } from './outages.ts'
import { ownSuccess } from './own-success.ts'
import { ownership } from './ownership.ts'
import { pacing } from './pacing.ts'
import { parts } from './parts.ts'
import { polling } from './polling.ts'
import { privacy } from './privacy.ts'
import { pulls } from './pulls.ts'
import { quarantine } from './quarantine.ts'
import { recording } from './recording.ts'
import { createRegister } from './register.ts'
import { replicas } from './replicas.ts'
import { requests } from './requests.ts'
import { rollbacks } from './rollbacks.ts'
import { rounds } from './rounds.ts'
import { schedules } from './schedules.ts'
import { schemas } from './schemas.ts'
import { shapes } from './shapes.ts'
import { sequences } from './sequences.ts'
import { settlements } from './settlements.ts'
import { sights } from './sights.ts'
import { soundness } from './soundness.ts'
import { stamps } from './stamps.ts'
import { takeovers } from './takeovers.ts'
import { threeWay } from './three-way.ts'
import { transactions } from './transactions.ts'
import { unseen } from './unseen.ts'
import { verdicts } from './verdicts.ts'
import { views } from './views.ts'
import { waits } from './waits.ts'
import { wakeUps } from './wake-ups.ts'

/** Every checker; each watches every run. */
const CHECKERS: Readonly<Record<string, Checker>> = {
  durability,
  effects,
  requests,
  endings,
  ownership,
  waits,
  breaker,
  budgets,
  builds,
  choices,
  rollbacks,
  acceptance,
  alerting,
  audit,
  consulting,
  counting,
  decisions,
  dependencies,
  farewells,
  handlers,
  leases,
  lines,
  lives,
  load,
  'log-outs': logOuts,
  loops,
  merging,
  names,
  outages,
  'own-success': ownSuccess,
  pacing,
  parts,
  polling,
  privacy,
  pulls,
  quarantine,
  recording,
  replicas,
  rounds,
  schedules,
  schemas,
  sequences,
  shapes,
  settlements,
  sights,
  soundness,
  stamps,
  takeovers,
  'three-way': threeWay,
  transactions,
  unseen,
  verdicts,
  views,
  'wake-ups': wakeUps,
}

export interface InvariantWatch {
  see(fact: Fact): void
  end(): void
  report(invariant: string, sentence: string): void
  readonly violations: readonly Violation[]
  /** How many were stored. */
  operations(): number
}

export function watchInvariants(world: World): InvariantWatch {
  const register = createRegister()
  const violations: Violation[] = []
  const devices = new Map(world.devices.map((device) => [device.name, device]))
  const tabs = new Map(world.devices.flatMap((device) => device.tabs.map((tab) => [tab.name, tab])))

  const picture: Picture = {
    now: world.scheduler.now,
    settings: world.settings,
    register,
    rowsOf: (device) => devices.get(device)?.disk.operations ?? new Map(),
    namesOf: (device, user) => devices.get(device)?.disk.namesOf(user) ?? [],
    wallTimeOf: (device) => devices.get(device)?.wallTime() ?? 0,
    ledger: world.server.ledger,
    undone: world.server.undone,
    valueOf: (path) => world.server.valueAt(path),
    versionsOf: () => world.server.versions(),
    placesOf: (entity, part) => world.server.changes.placesOf(entity, part),
    partsOf: (device) => devices.get(device)?.parts,
    repeatsCursors: () => world.server.changes.repeatsCursors,
    isDown: () => world.server.outage !== undefined,
    deviceOf: (tab) => tabs.get(tab)?.device.name,
    dueIn(name, user, forMs) {
      const device = devices.get(name)
      if (device === undefined || device.user !== user) return undefined
      return dueSince(device, device.wallTime() - forMs)
    },
    timersOf: (tab) => tabs.get(tab)?.timers() ?? 0,
    isHeldUp: (device) => devices.get(device)?.disk.isHeldUp() ?? false,
    isTransactional: (device) => devices.get(device)?.disk.tear === undefined,
  }

  function reportAs(checker: string): Report {
    return (invariant, sentence) => void violations.push({ invariant, sentence, at: world.scheduler.now(), checker })
  }

  const watches = Object.entries(CHECKERS).map(([name, checker]) => checker(picture, reportAs(name)))
  return {
    see(fact) {
      register.see(fact)
      for (const watch of watches) watch.see?.(fact)
    },
    end() {
      for (const watch of watches) watch.end?.()
    },
    report: reportAs('liveness'),
    violations,
    operations: () => [...register.all()].length,
  }
}
