import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/index.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

describe('what can not be meant', () => {
  it('D5 a storage object in two engines: the second is told, and neither closes the store of the other', async () => {
    const storage = world.storage()
    const first = await world.started({ storage })
    const second = world.engine({ storage })
    await expect(second.start()).rejects.toMatchObject({ code: 'storage-in-use' })
    await second.stop()
    const operation = await first.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
    await first.stop()
    await second.start()
    expect(await second.operations.handle(operation.id).settled).toEqual({ status: 'done' })
  })

  it('D5 starting an engine that runs changes nothing and tells nothing anew', async () => {
    const engine = await world.started()
    await engine.start()
    expect(engine.history().filter(({ type }) => type === 'engine:started')).toHaveLength(1)
  })

  it.each<[string, () => unknown]>([
    ['storage options that are none', () => sqliteStorage(undefined as never)],
    ['an inspection that is no function', () => world.engine({ inspect: 3 as never })],
    ['a pattern that is no text', () => world.engine().on(5 as never, () => {})],
    ['a handler that is no function', () => world.engine().on('*', 3 as never)],
  ])('D5 %s: the error says so', (_, misuse) => {
    expect(misuse).toThrow(ValidationError)
  })

  it('D5 a status that does not exist can not be counted', async () => {
    const engine = await world.started()
    await expect(engine.operations.count('bogus' as never)).rejects.toThrow(ValidationError)
  })
})
