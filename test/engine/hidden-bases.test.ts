import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EnqueueInput, Operation, SyncEngine } from '../../src/index.ts'
import { lateAnswer } from '../support/late-answer.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const patch = (payload: object): EnqueueInput => ({ type: 'update', entity: 'note', id: 'a', payload })

/** Resolves when what the server has now is pulled: one pull may have been under way. */
async function pulled(engine: SyncEngine): Promise<void> {
  for (let pulls = 0; pulls < 2; pulls++)
    await new Promise<void>((resolve) => {
      const stop = engine.on('pull:completed', () => (stop(), resolve()))
    })
}

/** The answer to the first operation is late: what others made of its effect is pulled before, and the second one queued. */
async function queuedMeanwhile(
  first: EnqueueInput,
  second: EnqueueInput,
): Promise<{ engine: SyncEngine; seen: unknown; second: Operation }> {
  if (first.type !== 'create') await elsewhere(world, 'POST', '/note', { id: 'a', title: 'old', body: 'old' })
  const engine = await world.started({
    entities: { note: { conflict: 'remoteWins' } },
    coalesce: false,
    pull: { everyMs: 100 },
  })
  await pulled(engine)
  const { isApplied, release } = lateAnswer(world)
  const operation = await engine.enqueue(first)
  await isApplied
  await elsewhere(world, 'PATCH', '/note/a', { title: 'theirs' })
  await pulled(engine)
  const seen = (await engine.view('note').get('a'))?.value
  const later = await engine.enqueue(second)
  release()
  expect(await operation.settled).toEqual({ status: 'done' })
  return { engine, seen, second: later }
}

describe("an operation that is queued while one before it hides what others' change was pulled of", () => {
  it.each<[string, EnqueueInput]>([
    ['create', { type: 'create', entity: 'note', id: 'a', payload: { body: 'ours' } }],
    ['replace', { type: 'replace', entity: 'note', id: 'a', payload: { body: 'ours' } }],
  ])('S12 is compared with what was shown: a %s hid their field', async (_, first) => {
    const { engine, seen, second } = await queuedMeanwhile(first, patch({ title: 'ours' }))
    expect(seen).toEqual({ id: 'a', body: 'ours' })
    expect(await second.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'ours' })
    expect((await engine.operations.get(second.id))?.conflict).toMatchObject({
      fields: [{ path: 'title', local: 'ours', remote: 'theirs' }],
    })
  })

  it('S12 is compared with what was shown: an update hid what they made of the same field', async () => {
    const { engine, seen, second } = await queuedMeanwhile(patch({ title: 'ours' }), patch({ title: 'ours again' }))
    expect(seen).toMatchObject({ id: 'a', title: 'ours', body: 'old' })
    expect(await second.settled).toMatchObject({ status: 'rejected', error: { name: 'ConflictError' } })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'theirs', body: 'old' })
    expect((await engine.operations.get(second.id))?.conflict).toMatchObject({
      fields: [{ path: 'title', base: 'ours', local: 'ours again', remote: 'theirs' }],
    })
  })

  it('S12 replaces what they made, if that was shown', async () => {
    const { engine, seen, second } = await queuedMeanwhile(
      patch({ body: 'ours' }),
      patch({ title: 'ours, who have seen theirs' }),
    )
    expect(seen).toMatchObject({ id: 'a', title: 'theirs', body: 'ours' })
    expect(await second.settled).toEqual({ status: 'done' })
    expect(world.notes()['a']).toEqual({ id: 'a', title: 'ours, who have seen theirs', body: 'ours' })
    expect(await engine.conflicts.list({ status: 'all' })).toEqual([])
  })
})
