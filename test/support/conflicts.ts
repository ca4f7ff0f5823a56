import type { EngineOptions, EnqueueInput, EntityOptions, Operation, SyncEngine } from '../../src/index.ts'
import { elsewhere } from './other-client.ts'
import type { World } from './world.ts'

export const patch = (payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id: 'a', payload })

export function startedWith(world: World, note: EntityOptions, options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  return world.started({ entities: { note }, ...options })
}

export async function created(engine: SyncEngine, payload: object): Promise<void> {
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload })
  ).settled
}

/** Somebody else changes the note after this engine has last seen it, and then this engine as well. */
export async function bothChange(
  world: World,
  engine: SyncEngine,
  { base = { title: 'old', body: 'old' }, theirs = { title: 'theirs' }, ours = patch({ title: 'ours' }) }: Change = {},
): Promise<Operation> {
  await created(engine, base)
  await elsewhere(world, 'PATCH', '/note/a', theirs)
  return engine.enqueue(ours)
}

/** What there was, and what each makes of it. */
interface Change {
  readonly base?: object
  readonly theirs?: object
  readonly ours?: EnqueueInput
}

export const deletion: EnqueueInput = { type: 'delete', entity: 'note', id: 'a' }
