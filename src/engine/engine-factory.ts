import { fromCallback, type AnyActorRef, type CallbackActorLogic } from 'xstate'
import { ValidationError } from '../core/errors.ts'
import type { SystemPorts } from '../core/ports.ts'
import { createEngine } from './create-engine.ts'
import type { Parts } from './parts.ts'
import { createRuntime, type EngineOptions } from './runtime.ts'
import { onlyBelow } from './recorder/inspected-by.ts'
import type { EnqueueInput, SyncEngine, SyncEvent } from './types.ts'

/**
 * What an application may send to an engine that it spawned as an actor. A command that comes before the engine has started waits for
 * that; of one that fails `engine:error` tells.
 */
export type SyncEngineCommand =
  | { readonly type: 'enqueue'; readonly operation: EnqueueInput }
  | { readonly type: 'flush' }
  | { readonly type: 'pause' | 'resume'; readonly reason: string }

/** An engine as actor logic. It starts with the actor, emits every `SyncEvent`, and stops with it. */
export type SyncEngineLogic = CallbackActorLogic<SyncEngineCommand, undefined, SyncEvent>

export interface EngineFactory {
  createSyncEngine(options: EngineOptions): SyncEngine
  createSyncEngineLogic(options: EngineOptions): SyncEngineLogic
}

const engines = new WeakMap<AnyActorRef, SyncEngine>()

/** The engine behind an actor made of `createSyncEngineLogic`, for what needs an answer: `enqueue`, `operations`, `explain`. */
export function syncEngineOf(actor: AnyActorRef): SyncEngine {
  const engine = engines.get(actor)
  if (engine === undefined) throw new ValidationError('actor', 'is not a started actor of createSyncEngineLogic.')
  return engine
}

/** Binds the engine to the platform's clock, randomness, ids and connectivity, and to the parts that it has. */
export function engineFactory(system: SystemPorts, parts: Partial<Parts>): EngineFactory {
  return {
    createSyncEngine: (options) => createEngine(createRuntime(options, system, parts), undefined),
    createSyncEngineLogic(options) {
      return fromCallback<SyncEngineCommand, undefined, SyncEvent>(({ receive, emit, self }) => {
        const runtime = createRuntime(options, system, parts)
        const { inspect } = runtime
        const inspected = inspect && self.system.inspect(onlyBelow(self, inspect))
        const engine = createEngine(runtime, self)
        engines.set(self, engine)
        engine.on('*', emit)
        const report = (error: unknown): void => runtime.events.emit({ type: 'engine:error', part: 'command', error })
        // Where it could not start it may do so later, by itself: whether it can obey by then it says itself.
        const started = engine.start().catch(report)
        receive((command) => void started.then(() => obey(engine, command)).catch(report))
        return () => {
          void engine.stop().finally(() => inspected?.unsubscribe())
        }
      })
    },
  }
}

async function obey(engine: SyncEngine, command: SyncEngineCommand): Promise<void> {
  if (command.type === 'enqueue') await engine.enqueue(command.operation)
  else if (command.type === 'flush') await engine.flush()
  else if (command.type === 'pause') engine.pause(command.reason)
  else if (command.type === 'resume') engine.resume(command.reason)
  else throw new ValidationError('command', 'must be enqueue, flush, pause or resume.')
}
