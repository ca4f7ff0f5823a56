import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const create = (id: string) => ({ type: 'create', entity: 'note', id, payload: {} })

describe('what was claimed ahead', () => {
  it('L5 is rolled back after a pause that came before its turn', async () => {
    const engine = await world.started({ concurrency: 1 })
    engine.pause('setup')
    const parent = await engine.enqueue({ type: 'update', entity: 'note', id: 'missing', payload: { n: 1 } })
    const dependants = await engine.enqueueAll(
      Array.from({ length: 5 }, (_, n) => ({
        ...create(`n${n}`),
        dependsOn: [parent.id],
        optimistic: n === 0 ? { rollback: () => engine.pause('test') } : {},
      })),
    )
    engine.resume('setup')
    await eventOf(engine, 'engine:paused', (event) => 'reason' in event && event.reason === 'test')
    await dependants[0]!.settled
    await engine.flush()
    engine.resume('test')
    for (const { settled } of dependants) expect(await settled).toMatchObject({ status: 'rejected' })
  })
})
