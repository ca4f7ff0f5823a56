import { fromCallback, fromPromise } from 'xstate'
import { connectivityMachine } from '../../machines/connectivity.ts'
import { engineMachine, type DrainCommand } from '../../machines/engine.ts'
import type { Connectivity } from '../core/ports.ts'
import type { BreakerWatch } from './breaker-watch.ts'
import type { Events } from './events.ts'
import type { leaseLock } from './lease.ts'
import type { Reachability } from './reachability.ts'
import type { ReadPath } from './read-path.ts'
import type { SyncEventBody } from './types.ts'
import type { WritePath } from './write-path.ts'

export interface EngineParts {
  readonly open: () => Promise<void>
  readonly close: () => Promise<void>
  readonly dispatcher: Pick<WritePath, 'attach' | 'command'>
  readonly breakerWatch: Pick<BreakerWatch, 'start'>
  readonly readPath: Pick<ReadPath, 'logic' | 'owned' | 'disowned'>
  readonly lock: ReturnType<typeof leaseLock>['logic']
  readonly connectivity: Connectivity
  readonly reachability: Reachability
  readonly events: Events
  /** This engine owns the lease now. */
  acquired(takeover: boolean): void
}

/** The engine's machine, with all that it invokes and does. */
export function engineLogic({ open, close, dispatcher, breakerWatch, readPath, lock, connectivity, ...parts }: EngineParts) {
  const { reachability, events, acquired } = parts

  /** XState sends what a transition sends after its other actions: who hears of the lease then finds the parts as it says. */
  function tellSoon(event: SyncEventBody): void {
    void Promise.resolve().then(() => events.emit(event))
  }

  return engineMachine.provide({
    actors: {
      open: fromPromise(open),
      close: fromPromise(close),
      drain: fromCallback<DrainCommand>(({ receive, sendBack }) => {
        dispatcher.attach(sendBack)
        const unwatch = breakerWatch.start()
        receive((command) => {
          dispatcher.command(command)
          if (command.type === 'OWN') readPath.owned()
          if (command.type === 'DISOWN') readPath.disowned()
        })
        return () => {
          unwatch()
          dispatcher.command({ type: 'DISOWN' })
        }
      }),
      lock,
      pull: readPath.logic,
      connectivity: connectivityMachine.provide({
        guards: { isOnline: () => connectivity.online() },
        actors: { probe: fromPromise<boolean>(({ signal }) => reachability.probe(signal)) },
      }),
    },
    actions: {
      reportFailure: (_, { part, error }) => events.emit({ type: 'engine:error', part, error }),
      reportLock: (_, { report }) => {
        if (report.type === 'LOCK.ACQUIRED') {
          tellSoon({ type: 'lock:acquired', epoch: report.epoch, takeover: report.takeover })
          acquired(report.takeover)
        }
        if (report.type === 'LOCK.LOST') tellSoon({ type: 'lock:lost' })
        if (report.type === 'LOCK.FAILED') events.emit({ type: 'lock:failed', error: report.error })
      },
      reportNetwork: (_, { online }) => events.emit({ type: online ? 'network:online' : 'network:offline' }),
    },
  })
}
