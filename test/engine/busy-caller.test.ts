import { expect, it, onTestFinished } from 'vitest'
import { LEASE, META, STORE_SCHEMA } from '../../src/core/schema.ts'
import { createWorld } from '../support/world.ts'

it('L1 an application that enqueues without a pause does not keep its engine from sending', async () => {
  const world = await createWorld()
  onTestFinished(() => world.close())
  const engine = await world.started()
  let enqueued = 0
  while (world.server.ledger().length === 0 && enqueued < 2_000) {
    await engine.enqueue({ type: 'create', entity: 'note', id: `n${enqueued}`, payload: {} })
    enqueued += 1
  }
  expect(enqueued).toBeLessThan(2_000)
})

it('L2 an application that enqueues without a pause does not keep its engine from showing that it lives', async () => {
  const world = await createWorld()
  onTestFinished(() => world.close())
  const engine = await world.started({ lock: { heartbeatMs: 20, staleMs: 1_000, pollMs: 10 } })
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  onTestFinished(() => storage.close())
  const beat = async (): Promise<unknown> => ((await storage.get(META, LEASE))?.value as { beat: number } | undefined)?.beat
  const first = await beat()
  let enqueued = 0
  while ((await beat()) === first && enqueued < 2_000) {
    await engine.enqueue({ type: 'create', entity: 'note', id: `n${enqueued}`, payload: {} })
    enqueued += 1
  }
  expect(enqueued).toBeLessThan(2_000)
})
