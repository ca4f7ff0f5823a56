import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NetworkError, type Outcome } from '../../src/index.ts'
import { LEASE, META, STORE_SCHEMA, type LeaseRow } from '../../src/core/schema.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

/** Another owner takes over, and is gone at once. */
async function depose(): Promise<void> {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const lease = (await storage.get(META, LEASE))?.value as LeaseRow
  const next = { name: LEASE, owner: '', epoch: lease.epoch + 1, beat: 0, rev: lease.rev + 1 }
  await storage.commit([{ type: 'put', collection: META, value: next }])
  await storage.close()
}

describe('what the breaker is told', () => {
  it('S23 a request that the engine itself called off is no failure of the server', async () => {
    const engine = await world.started({ breaker: { failureThreshold: 1 } })
    await eventOf(engine, 'lock:acquired')
    const aborted: Promise<Outcome>[] = []
    const allLeft = new Promise<void>((resolve) => {
      world.intercept(({ context: { signal } }) => {
        const outcome = new Promise<Outcome>((done) =>
          signal.addEventListener('abort', () =>
            done({ type: 'unknown', error: new NetworkError('Called off.', { code: 'aborted' }) }),
          ),
        )
        if (aborted.push(outcome) === 3) resolve()
        return outcome
      })
    })
    const operations = await engine.enqueueAll(['a', 'b', 'c'].map((id) => ({ type: 'create', entity: 'note', id, payload: {} })))
    await allLeft
    world.intercept(undefined)
    await depose()
    await Promise.all(aborted)
    const settled = await Promise.all(operations.map(({ settled: end }) => end))
    expect(settled.map(({ status }) => status)).toEqual(['done', 'done', 'done'])
    expect(engine.metrics().breaker).toMatchObject({ state: 'closed', trips: 0 })
  })

  it('S23 L5 a transport that never answers is one', async () => {
    world.intercept(() => new Promise<never>(() => {}))
    const engine = await world.started({ breaker: { failureThreshold: 1 }, sendTimeoutMs: 50, stopTimeoutMs: 50 })
    await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    await eventOf(engine, 'breaker:opened')
    expect(engine.metrics().breaker).toMatchObject({ state: 'open', trips: 1 })
  })
})
