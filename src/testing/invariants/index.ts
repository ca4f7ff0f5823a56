import type { Fact } from '../world/facts.ts'
import type { World } from '../world/world.ts'
import { breaker } from './breaker.ts'
import { durability } from './durability.ts'
import { effects } from './effects.ts'
import { endings } from './endings.ts'
import type { Checker, Picture, Violation } from './invariant.ts'
import { ownership } from './ownership.ts'
import { createRegister } from './register.ts'
import { requests } from './requests.ts'
import { rollbacks } from './rollbacks.ts'
import { waits } from './waits.ts'

/** Every checker; each watches every run. */
const CHECKERS: readonly Checker[] = [durability, effects, requests, endings, ownership, waits, breaker, rollbacks]

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

  const picture: Picture = {
    now: world.scheduler.now,
    settings: world.settings,
    register,
    rowsOf: (device) => devices.get(device)?.disk.operations ?? new Map(),
    wallTimeOf: (device) => devices.get(device)?.wallTime() ?? 0,
    ledger: world.server.ledger,
    undone: world.server.undone,
  }

  function report(invariant: string, sentence: string): void {
    violations.push({ invariant, sentence, at: world.scheduler.now() })
  }

  const watches = CHECKERS.map((checker) => checker(picture, report))
  return {
    see(fact) {
      register.see(fact)
      for (const watch of watches) watch.see?.(fact)
    },
    end() {
      for (const watch of watches) watch.end?.()
    },
    report,
    violations,
    operations: () => [...register.all()].length,
  }
}
