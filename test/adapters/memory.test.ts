import { expect, it } from 'vitest'
import { memoryDisk, memoryStorage } from '../../src/adapters/memory.ts'
import { StorageError } from '../../src/core/errors.ts'
import { describeStorage } from './storage-contract.ts'
import { schema } from './storage-world.ts'
import { makeMemoryWorld } from './support/memory-world.ts'

describeStorage('memory', makeMemoryWorld)

it('C6 handles of one name share a store, handles without a name do not', async () => {
  const [first, second, stranger] = [memoryStorage({ name: 'shared' }), memoryStorage({ name: 'shared' }), memoryStorage()]
  for (const storage of [first, second, stranger]) await storage.open(schema)
  await first.commit([{ type: 'put', collection: 'notes', value: { id: 'n' } }])
  expect(await second.get('notes', 'n')).toBeDefined()
  expect(await stranger.get('notes', 'n')).toBeUndefined()
  for (const storage of [first, second, stranger]) await storage.close()
})

it('S2 a fault that a disk invents becomes a typed error with its cause', async () => {
  const disk = memoryDisk()
  const storage = memoryStorage({ disk })
  await storage.open(schema)
  const cause = new Error('head crash')
  disk.beforeWrite = () => {
    throw cause
  }
  const failure = await storage.commit([{ type: 'append', collection: 'operations', value: {} }]).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(StorageError)
  expect(failure).toMatchObject({ code: 'storage-unavailable', cause })
  await storage.close()
})
