import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StorageClosedError, StorageNewerError } from '../../src/core/errors.ts'
import type { Storage, Write } from '../../src/core/ports.ts'
import { STORE_SCHEMA } from '../../src/core/schema.ts'
import { keysOf, laterSchema, schema } from './storage-world.ts'
import type { StorageWorld } from './storage-world.ts'
import { version1, version1Operation } from './version-1.ts'
import { version2 } from './version-2.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })

/** Resolves when the handle has been told of a commit elsewhere. */
function told(storage: Storage): Promise<readonly string[] | undefined> {
  return new Promise((resolve) => {
    const stop = storage.watch((collections) => {
      stop()
      resolve(collections)
    })
  })
}

/** Some stores compress: then a repeated letter takes no room. */
function incompressible(length: number): string {
  let state = 1
  const draw = () => (state = (state * 48_271) % 2_147_483_647).toString(36).padStart(8, '0')
  return Array.from({ length: length / 8 }, draw).join('')
}

export function describeLife(makeWorld: () => Promise<StorageWorld>): void {
  describe('life of a store', () => {
    let world: StorageWorld
    let storage: Storage
    let other: Storage
    beforeEach(async () => {
      world = await makeWorld()
      storage = world.handle()
      other = world.handle()
    })
    afterEach(async () => {
      await storage.close()
      await other.close()
      await world.destroy()
    })

    it('S1 what was committed is there after a reopen, on the same handle and on another', async () => {
      await storage.open(schema)
      await storage.commit([put({ id: 'n', tag: 1 })])
      await storage.close()
      await storage.open(schema)
      expect((await storage.get('notes', 'n'))?.value).toEqual({ id: 'n', tag: 1 })
      await storage.close()
      await other.open(schema)
      expect(keysOf(await other.scan('notes', { index: 'byTag', limit: 10 }))).toEqual(['n'])
    })

    it('L10 everything on a handle that is not open fails with the error that says so', async () => {
      const refused = async () => {
        await expect(storage.get('notes', 'n')).rejects.toBeInstanceOf(StorageClosedError)
        await expect(storage.getMany('notes', ['n'])).rejects.toBeInstanceOf(StorageClosedError)
        await expect(storage.scan('notes', { limit: 1 })).rejects.toBeInstanceOf(StorageClosedError)
        await expect(storage.commit([put({ id: 'n' })])).rejects.toBeInstanceOf(StorageClosedError)
        await expect(storage.estimate()).rejects.toBeInstanceOf(StorageClosedError)
        expect(() => storage.watch(() => {})).toThrow(StorageClosedError)
      }
      await refused()
      await storage.open(schema)
      await storage.close()
      await refused()
      await storage.close()
    })

    it('C6 a handle may be opened twice, also at once, and is closed by one close', async () => {
      await Promise.all([storage.open(schema), storage.open(schema), other.open(schema)])
      await storage.open(schema)
      await storage.commit([put({ id: 'n' })])
      expect((await other.get('notes', 'n'))?.value).toEqual({ id: 'n' })
      await storage.close()
      await expect(storage.get('notes', 'n')).rejects.toBeInstanceOf(StorageClosedError)
    })

    it('S27 a store of a newer schema is refused and left as it was', async () => {
      await storage.open(laterSchema)
      await storage.commit([put({ id: 'n', colour: 'red' })])
      await storage.close()
      await expect(other.open(schema)).rejects.toBeInstanceOf(StorageNewerError)
      await expect(other.get('notes', 'n')).rejects.toBeInstanceOf(StorageClosedError)
      await storage.open(laterSchema)
      expect(keysOf(await storage.scan('notes', { index: 'byColour', prefix: ['red'], limit: 10 }))).toEqual(['n'])
    })

    it('S27 a later schema adds collections, and indexes that hold the rows that exist', async () => {
      await storage.open(schema)
      await storage.commit([
        put({ id: 'a', colour: 'red' }),
        put({ id: 'b' }),
        put({ id: 'c', colour: 3 }),
        put({ id: 'd', colour: null }),
      ])
      await storage.close()
      await other.open(laterSchema)
      expect(keysOf(await other.scan('notes', { index: 'byColour', limit: 10 }))).toEqual(['c', 'a'])
      await other.commit([{ type: 'put', collection: 'extras', value: { id: 1 } }, put({ id: 'b', colour: 'blue' })])
      expect(keysOf(await other.scan('notes', { index: 'byColour', limit: 10 }))).toEqual(['c', 'b', 'a'])
      expect(await other.scan('extras', { limit: 10 })).toHaveLength(1)
    })

    it.each([version1, version2])(
      'S27 a store of version $version of the engine’s schema gets all that this version needs, and keeps what was in it',
      async (older) => {
        await storage.open(older)
        await storage.commit([
          { type: 'append', collection: 'operations', value: version1Operation('one') },
          { type: 'put', collection: 'entities', value: { key: 'default/note/a', version: '1', value: { title: 'old' } } },
          { type: 'put', collection: 'meta', value: { name: 'install', id: 'here' } },
        ])
        await storage.close()
        await other.open(STORE_SCHEMA)
        for (const [collection, { indexes }] of Object.entries(STORE_SCHEMA.collections)) {
          for (const index of Object.keys(indexes))
            expect(await other.scan(collection, { index, limit: 10 })).toBeInstanceOf(Array)
        }
        expect(keysOf(await other.scan('operations', { index: 'lane', prefix: ['default/note/a'], limit: 10 }))).toEqual([1])
        expect((await other.get('entities', 'default/note/a'))?.value).toMatchObject({ value: { title: 'old' } })
        expect((await other.get('meta', 'install'))?.value).toEqual({ name: 'install', id: 'here' })
        const conflict = { id: 'c', status: 'pending', since: 1 }
        await other.commit([{ type: 'put', collection: 'conflicts', value: conflict }])
        expect(keysOf(await other.scan('conflicts', { index: 'status', prefix: ['pending'], limit: 10 }))).toEqual(['c'])
        const audit = { user: 'default', at: 1, entity: 'note', entityId: 'a', operation: 'one' }
        expect(await other.commit([{ type: 'append', collection: 'audit', value: audit }])).toEqual([1])
        const subject = { index: 'subject', prefix: ['default', 'note', 'a'], limit: 10 }
        expect(keysOf(await other.scan('audit', subject))).toEqual([1])
      },
    )

    it('L5 a watcher is told when another handle commits, and no more once it has ended its watch', async () => {
      await storage.open(schema)
      await other.open(schema)
      let ended = 0
      storage.watch(() => ended++)()
      for (let n = 0; n < 3; n++) {
        const heard = told(storage)
        await other.commit([put({ id: `n${n}` })])
        // Not every store knows what was written; one that does says so.
        expect((await heard) ?? ['notes']).toEqual(['notes'])
        expect(await storage.get('notes', `n${n}`)).toBeDefined()
      }
      expect(ended).toBe(0)
    })

    it('L5 a watcher is told of a commit that was under way when its handle was closed', async () => {
      await storage.open(schema)
      await other.open(schema)
      const heard = told(storage)
      const [committed] = await Promise.allSettled([other.commit([put({ id: 'n' })]), other.close()])
      if (committed.status === 'fulfilled') await heard
    })

    it('C6 the estimate grows with what is stored', async () => {
      await storage.open(schema)
      const before = await storage.estimate()
      await storage.commit([put({ id: 'n', text: incompressible(1024 * 1024) })])
      const after = await storage.estimate()
      expect(after.usedBytes).toBeGreaterThan(before.usedBytes)
      expect(after.quotaBytes === undefined || after.quotaBytes >= after.usedBytes).toBe(true)
    })

    it('C6 the capabilities say what the contract then holds the adapter to', () => {
      expect(storage.capabilities.atomicBatch).toBe(true)
      expect(['enforced', 'advisory']).toContain(storage.capabilities.fencing)
      expect(['native', 'scan']).toContain(storage.capabilities.range)
      expect(['memory', 'os', 'fsync']).toContain(storage.capabilities.durability)
    })
  })
}
