import { createActor, fromCallback, fromPromise, type AnyActorLogic } from 'xstate'
import type { ConnectivityReport } from '../../machines/connectivity.ts'
import { engineMachine, type DrainReport, type EngineEvent, type EngineInput } from '../../machines/engine.ts'
import type { PullReport } from '../../machines/pull.ts'
import type { LockReport } from '../../machines/lock.ts'
import { DEFAULTS } from '../../src/core/options.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { createVirtualClock, settle } from '../support/virtual-clock.ts'

export const input: EngineInput = {
  lock: DEFAULTS.lock,
  breaker: DEFAULTS.breaker,
  online: true,
  hasProbe: false,
  settleMs: 1_000,
  probeEveryMs: 30_000,
  authPauseMs: 60_000,
  stopTimeoutMs: 5_000,
  restartMs: 1_000,
  pulled: ['note'],
}

type Part = 'lock' | 'breaker' | 'connectivity' | 'drain' | 'pull'

/** Stands for a part: writes down what it is told, and dies when it is told to. */
function stub(part: Part, heard: (part: Part, type: string) => void): AnyActorLogic {
  return fromCallback<{ type: string }>(({ receive }) => {
    heard(part, 'started')
    receive(({ type }) => {
      if (type === 'DIE') throw new Error(`${part} died`)
      heard(part, type)
    })
    return () => heard(part, 'ended')
  })
}

/** An engine whose parts only say what they hear, and whose store opens and closes as it is told. */
export function makeEngine(given: Partial<EngineInput> = {}) {
  const clock = createVirtualClock()
  const heard: string[] = []
  const failures: string[] = []
  const opens: { resolve(): void; reject(error: unknown): void }[] = []
  const closes: { resolve(): void; reject(error: unknown): void }[] = []
  const hear = (part: Part, type: string): void => void heard.push(`${part} ${type}`)
  const pending = (list: typeof opens) =>
    fromPromise<void>(() => new Promise((resolve, reject) => void list.push({ resolve, reject })))

  const logic = engineMachine.provide({
    actors: {
      open: pending(opens),
      close: pending(closes),
      drain: stub('drain', hear) as never,
      lock: stub('lock', hear) as never,
      breaker: stub('breaker', hear) as never,
      connectivity: stub('connectivity', hear) as never,
      pull: stub('pull', hear) as never,
    },
    actions: { reportFailure: (_, { part: name }) => void failures.push(name) },
  })
  const actor = createActor(logic, { input: { ...input, ...given }, clock: machineClock(clock) })
  actor.start()

  async function send(event: EngineEvent): Promise<void> {
    actor.send(event)
    await settle()
  }

  return {
    actor,
    clock,
    heard,
    failures,
    opens,
    closes,
    send,
    state: () => path(actor.getSnapshot().value),
    pauses: () => actor.getSnapshot().context.pauses,
    async settle(list: 'opens' | 'closes', error?: unknown): Promise<void> {
      const call = (list === 'opens' ? opens : closes).at(-1)
      if (error === undefined) call?.resolve()
      else call?.reject(error)
      await settle()
    },
    /** A part's report. */
    async report(event: LockReport | ConnectivityReport | DrainReport | PullReport): Promise<void> {
      await send(event)
    },
    async kill(name: Part): Promise<void> {
      const child = actor.getSnapshot().children[name]
      child?.send({ type: 'DIE' } as never)
      await settle()
    },
    /** What the parts heard since this was last asked. */
    news: (): string[] => heard.splice(0),
  }
}

export type Engine = ReturnType<typeof makeEngine>

export async function followingEngine(given: Partial<EngineInput> = {}): Promise<Engine> {
  const engine = makeEngine(given)
  await engine.send({ type: 'START' })
  await engine.settle('opens')
  return engine
}

export async function owningEngine(given: Partial<EngineInput> = {}): Promise<Engine> {
  const engine = await followingEngine(given)
  await engine.report({ type: 'LOCK.ACQUIRED', epoch: 3, takeover: false })
  return engine
}

function path(value: unknown): string {
  return typeof value === 'string'
    ? value
    : Object.entries(value as object)
        .map(([name, inner]) => `${name}.${path(inner)}`)
        .join('|')
}
