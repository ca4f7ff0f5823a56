import { createActor, fromPromise } from 'xstate'
import { conflictMachine, type ConflictInput, type ConflictOutput } from '../../machines/conflict.ts'
import type { OperationActor } from '../../machines/operation.ts'
import type { Settlement } from '../core/reconcile.ts'
import type { Inspect } from './tell-directly.ts'

interface Play {
  expire(): void
  stop(): void
}

/** The conflicts in play, one a slot at most: each is an actor of the conflict machine until it is settled. */
export function createConflictPlays(inspect: Inspect | undefined) {
  const plays = new Map<OperationActor, Play>()

  return {
    /** Never resolves if it is stopped. */
    play(slot: OperationActor, input: ConflictInput, decide: () => Promise<Settlement>): Promise<ConflictOutput> {
      const logic = conflictMachine.provide({ actors: { decide: fromPromise(decide) } })
      const actor = createActor(logic, { input, ...(inspect === undefined ? {} : { inspect }) })
      return new Promise((resolve) => {
        actor.subscribe(({ status, output }) => {
          if (status !== 'done' || output === undefined) return
          plays.delete(slot)
          resolve(output)
        })
        plays.set(slot, { expire: () => actor.send({ type: 'EXPIRED' }), stop: () => void actor.stop() })
        actor.start()
      })
    },
    /** True if the slot waited for a function: its conflict is left to a person. */
    expire(slot: OperationActor): boolean {
      const play = plays.get(slot)
      play?.expire()
      return play !== undefined
    },
    stop(slot: OperationActor): void {
      plays.get(slot)?.stop()
      plays.delete(slot)
    },
    stopAll(): void {
      for (const play of plays.values()) play.stop()
      plays.clear()
    },
  }
}
