import type { EnqueueInput, SyncEngine } from '../../src/index.ts'

/** Until each has ended, however it did. */
export async function settledAll(engine: SyncEngine, inputs: readonly EnqueueInput[]): Promise<void> {
  for (const { settled } of await engine.enqueueAll(inputs)) await settled
}
