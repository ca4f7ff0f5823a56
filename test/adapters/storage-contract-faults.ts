import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StorageConflictError, StorageCorruptError, StorageError, StorageQuotaError } from '../../src/core/errors.ts'
import type { Storage, Write } from '../../src/core/ports.ts'
import { keysOf, readAll, schema } from './storage-world.ts'
import type { StorageWorld } from './storage-world.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })
const append = (value: object): Write => ({ type: 'append', collection: 'operations', value })

export function describeFaults(makeWorld: () => Promise<StorageWorld>): void {
  describe('faults', () => {
    let world: StorageWorld
    let storage: Storage
    beforeEach(async () => {
      world = await makeWorld()
      storage = world.handle()
      await storage.open(schema)
    })
    afterEach(async () => {
      await storage.close()
      await world.destroy()
    })

    it('S2 a commit that breaks in the middle leaves nothing, neither at once nor after a reopen', async () => {
      await storage.commit([put({ id: 'kept', tag: 'old' }), put({ id: 'deleted' })])
      const repair = await world.failWritesOf('notes', 'breaks')
      const writes: Write[] = [
        append({ id: 'o1', lane: 'l' }),
        put({ id: 'kept', tag: 'new' }),
        { type: 'delete', collection: 'notes', key: 'deleted' },
        put({ id: 'breaks' }),
        put({ id: 'after' }),
        append({ id: 'o2', lane: 'l' }),
      ]
      await expect(storage.commit(writes)).rejects.toBeInstanceOf(StorageError)
      const untouched = async (handle: Storage) => {
        expect((await readAll(handle, 'notes')).map((entry) => entry.value)).toEqual([
          { id: 'deleted' },
          { id: 'kept', tag: 'old' },
        ])
        expect(keysOf(await handle.scan('notes', { index: 'byTag', limit: 10 }))).toEqual(['kept'])
        expect(await handle.scan('operations', { index: 'byLane', limit: 10 })).toEqual([])
      }
      await untouched(storage)
      await repair()
      const reopened = world.handle()
      await reopened.open(schema)
      await untouched(reopened)
      await reopened.close()
      expect(await storage.commit(writes)).toHaveLength(2)
      expect(keysOf(await readAll(storage, 'notes'))).toEqual(['after', 'breaks', 'kept'])
    })

    it('E8 a full quota refuses the commit with its own error, leaves nothing of it, and keeps what was there', async () => {
      await storage.commit([put({ id: 'kept' })])
      const release = await world.fillQuota()
      const large = [put({ id: 'small' }), put({ id: 'large', text: 'x'.repeat(256 * 1024) }), append({ id: 'o' })]
      await expect(storage.commit(large)).rejects.toBeInstanceOf(StorageQuotaError)
      expect(await storage.get('notes', 'small')).toBeUndefined()
      expect(await storage.get('notes', 'large')).toBeUndefined()
      expect((await storage.get('notes', 'kept'))?.value).toEqual({ id: 'kept' })
      expect(await readAll(storage, 'operations')).toEqual([])
      await release()
      await storage.commit(large)
      expect((await storage.get('notes', 'large'))?.value).toMatchObject({ id: 'large' })
    })

    it('S28 a corrupt row keeps its place, says so, and leaves the rows around it readable', async () => {
      await storage.commit([put({ id: 'a', tag: 1 }), put({ id: 'b', tag: 2 }), put({ id: 'c', tag: 3 })])
      await world.corruptRow('notes', 'b')
      const entries = await storage.scan('notes', { index: 'byTag', limit: 10 })
      expect(entries.map(({ key, position }) => ({ key, position }))).toEqual([
        { key: 'a', position: [1] },
        { key: 'b', position: [2] },
        { key: 'c', position: [3] },
      ])
      expect(entries[1]).toMatchObject({ value: undefined, corrupt: expect.any(StorageCorruptError) })
      expect(entries[0]?.corrupt ?? entries[2]?.corrupt).toBeUndefined()
      expect((await storage.get('notes', 'b'))?.corrupt).toBeInstanceOf(StorageCorruptError)
      expect((await storage.getMany('notes', ['a', 'b']))[1]?.corrupt).toBeInstanceOf(StorageCorruptError)
    })

    it('S28 a corrupt row fails expectations about its fields, and can be replaced or deleted', async () => {
      await storage.commit([put({ id: 'a', v: 1 }), put({ id: 'b', v: 1 })])
      await world.corruptRow('notes', 'a')
      await world.corruptRow('notes', 'b')
      const expectation = { collection: 'notes', key: 'a', field: 'v', equals: 1 }
      await expect(storage.commit([put({ id: 'c' })], { expect: [expectation] })).rejects.toBeInstanceOf(StorageConflictError)
      await storage.commit([put({ id: 'a', v: 2 }), { type: 'delete', collection: 'notes', key: 'b' }])
      expect(await readAll(storage, 'notes')).toEqual([{ key: 'a', position: ['a'], value: { id: 'a', v: 2 } }])
    })

    it('S10 a corrupt lease lets no fenced commit pass', async () => {
      await storage.commit([{ type: 'put', collection: 'leases', value: { id: 'owner', epoch: 1 } }])
      await world.corruptRow('leases', 'owner')
      const fence = { collection: 'leases', key: 'owner', epoch: 1 }
      await expect(storage.commit([put({ id: 'n' })], { fence })).rejects.toBeInstanceOf(StorageCorruptError)
      expect(await readAll(storage, 'notes')).toEqual([])
    })

    it('S29 a row with a key __proto__ comes back as it went in and reaches no prototype', async () => {
      const hostile: object = JSON.parse(
        '{"id":"n","__proto__":{"polluted":1,"tag":"x"},"constructor":{"prototype":{"polluted":1}},"toString":0}',
      )
      await storage.commit([put(hostile)])
      const value = (await storage.get('notes', 'n'))?.value as object
      expect(Object.hasOwn(value, '__proto__')).toBe(true)
      expect(JSON.parse(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(hostile)))
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
      expect(await storage.scan('notes', { index: 'byTag', limit: 10 })).toEqual([])
      await storage.commit([put({ id: '__proto__', tag: '__proto__' }), put({ id: 'constructor' })])
      expect((await storage.get('notes', '__proto__'))?.value).toEqual({ id: '__proto__', tag: '__proto__' })
      expect(await storage.get('notes', 'toString')).toBeUndefined()
    })

    it('C6 text of every kind survives, and none is taken for a command', async () => {
      const texts = [
        '"; DROP TABLE notes; --',
        "' OR 1=1",
        '%_*?[',
        'null',
        '\\u0000',
        '\u2028',
        'a'.repeat(2000),
        'é\u0301',
        '🙂',
      ]
      await storage.commit(texts.map((id, n) => put({ id, tag: id, text: `${id}\u0000\ud800`, n })))
      for (const [n, id] of texts.entries()) {
        expect((await storage.get('notes', id))?.value).toEqual({ id, tag: id, text: `${id}\u0000\ud800`, n })
        expect(keysOf(await storage.scan('notes', { index: 'byTag', prefix: [id], limit: 10 }))).toEqual([id])
      }
    })

    it('C6 a value of 1 MB survives', async () => {
      const text = Array.from({ length: 1024 * 64 }, (_, n) => n.toString(16).padStart(16, '0')).join('')
      await storage.commit([put({ id: 'large', text }), put({ id: 'small' })])
      const value = (await storage.get('notes', 'large'))?.value as { text: string }
      expect(value.text === text).toBe(true)
    })
  })
}
