import type { DecayedRow, Sent } from '../world/facts.ts'
import type { PushFate } from '../world/lines.ts'
import type { Fate } from '../world/network.ts'
import type { Choices } from '../world/tape.ts'
import type { World } from '../world/world.ts'
import type { FaultKind } from './kinds.ts'
import { createLineFaults, PLAIN_PUSH, type LineFaults } from './lines.ts'
import { createRequestFaults, PORTAL_PAGE, type RequestFaults } from './requests.ts'
import { outageMs, strikeNow } from './strikes.ts'
import { drawSwarm } from './swarm.ts'
import { drawStrikes } from './timed.ts'

/** Until a connection that nobody answers is given up. */
const SILENCE_MS = 60_000

/** All that goes wrong in one run, until it is over. */
export interface Storm {
  fateOf(request: Sent): Partial<Fate>
  /** What becomes of a hint on a line. */
  pushFate(): PushFate
  begin(world: World, lastMs: number): void
  /** How much longer it lasts than people work. */
  lingersMs(): number
  /** Faults stop, and what they did to network, stores and clocks is set right. */
  end(): void
  /** Something else went wrong. */
  fired(kind: FaultKind, where: string, seqs: readonly number[], decayed: DecayedRow): void
  /** How often each kind fired. */
  counts(): ReadonlyMap<FaultKind, number>
}

export function createStorm(choices: Choices): Storm {
  const swarm = drawSwarm(choices)
  const counts = new Map<FaultKind, number>()
  const remedies = new Set<() => void>()
  let world: World | undefined
  let requests: RequestFaults | undefined
  let lines: LineFaults | undefined
  let isOver = false
  let lastsMs = 0
  let lastMs = 0

  function fired(kind: FaultKind, where: string, seqs: readonly number[] = [], decayed?: DecayedRow): void {
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    world?.tell({ type: 'fault', kind, where, seqs, ...(decayed === undefined ? {} : { decayed }) })
  }

  function later(within: World, delayMs: number, end: () => void): void {
    const once = (): void => {
      if (remedies.delete(once)) end()
    }
    remedies.add(once)
    within.scheduler.after(delayMs, once)
  }

  function isCaptive({ device }: Sent): boolean {
    return world?.devices.find(({ name }) => name === device)?.link.isCaptive() ?? false
  }

  return {
    fateOf(request) {
      if (isCaptive(request)) return { intercepted: PORTAL_PAGE }
      const outage = world?.server.outage
      if (outage !== undefined) return outage === 'silent' ? { lost: 'request', backMs: SILENCE_MS } : { intercepted: outage }
      return requests?.fateOf(request) ?? {}
    },
    pushFate: () => lines?.pushFate() ?? PLAIN_PUSH,
    begin(begun, workMs) {
      lastMs = workMs
      world = begun
      requests = createRequestFaults(choices, swarm, begun.server, () => isOver, fired)
      const [deviceCount, tabsPerDevice] = [begun.devices.length, begun.devices[0]?.tabs.length ?? 1]
      for (const strike of drawStrikes(choices, swarm, { lastMs, deviceCount, tabsPerDevice })) {
        if (strike.kind === 'outage') lastsMs = Math.max(lastsMs, strike.atMs + outageMs(strike))
        const device = begun.devices[strike.device]
        const tab = device?.tabs[strike.tab]
        if (device === undefined || tab === undefined) continue
        const target = { world: begun, device, tab, strike, fired, later: (ms: number, end: () => void) => later(begun, ms, end) }
        begun.scheduler.after(strike.atMs, () => {
          if (!isOver) strikeNow(target)
        })
      }
      lines = createLineFaults(choices, swarm, begun, lastMs, () => isOver, fired)
    },
    lingersMs: () => Math.max(0, lastsMs - lastMs),
    end() {
      isOver = true
      for (const remedy of [...remedies]) remedy()
    },
    fired,
    counts: () => counts,
  }
}
