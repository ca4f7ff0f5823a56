import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StorageConflictError, StorageFencedError, ValidationError } from '../../src/core/errors.ts'
import type { Storage, Write } from '../../src/core/ports.ts'
import { keysOf, readAll, schema } from './storage-world.ts'
import type { StorageWorld } from './storage-world.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })
const append = (value: object): Write => ({ type: 'append', collection: 'operations', value })
const lease = (epoch: number): Write => ({ type: 'put', collection: 'leases', value: { id: 'owner', epoch } })
const fence = (epoch: number) => ({ fence: { collection: 'leases', key: 'owner', epoch } })

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('should have been refused'),
    (error: unknown) => error,
  )
}

export function describeCommits(makeWorld: () => Promise<StorageWorld>): void {
  describe('commits', () => {
    let world: StorageWorld
    let storage: Storage
    let other: Storage
    beforeEach(async () => {
      world = await makeWorld()
      storage = world.handle()
      other = world.handle()
      await storage.open(schema)
      await other.open(schema)
    })
    afterEach(async () => {
      await storage.close()
      await other.close()
      await world.destroy()
    })

    it('D2 a commit returns the keys of its appended rows in their order, and nothing for its other writes', async () => {
      const keys = await storage.commit([append({ id: 'a' }), put({ id: 'n' }), append({ id: 'b' }), append({ id: 'c' })])
      expect(keys).toHaveLength(3)
      expect(keys).toEqual(keys.toSorted((x, y) => x - y))
      const rows = await storage.getMany('operations', keys)
      expect(rows.map((row) => row?.value)).toMatchObject([{ id: 'a' }, { id: 'b' }, { id: 'c' }])
      expect(await storage.commit([put({ id: 'm' })])).toEqual([])
      expect(await storage.commit([])).toEqual([])
    })

    it('D2 appended keys ascend over both handles and are never used again, not after deletes and not after a reopen', async () => {
      const first = await storage.commit([append({ id: 'a' }), append({ id: 'b' })])
      const second = await other.commit([append({ id: 'c' })])
      await storage.commit([...first, ...second].map((key) => ({ type: 'delete', collection: 'operations', key })))
      await storage.close()
      await other.close()
      await storage.open(schema)
      await other.open(schema)
      const third = await storage.commit([append({ id: 'd' })])
      const all = [...first, ...second, ...third]
      expect(all).toEqual([...new Set(all)].toSorted((x, y) => x - y))
    })

    it('S26 a commit that fails takes no key, so that between those of appended rows none is missing', async () => {
      const [before = 0] = await storage.commit([append({ id: 'a' })])
      await failureOf(storage.commit([append({ id: 'b' }), append({ id: 'a' })]))
      await failureOf(other.commit([append({ id: 'b' })], { expect: [{ collection: 'notes', key: 'n', field: 'v', equals: 1 }] }))
      expect(await other.commit([append({ id: 'b' }), append({ id: 'c' })])).toEqual([before + 1, before + 2])
    })

    it('D2 an appended row can be put again under its key', async () => {
      const [seq] = await storage.commit([append({ id: 'a', lane: 'x' })])
      await storage.commit([{ type: 'put', collection: 'operations', value: { seq, id: 'a', lane: 'y' } }])
      expect((await other.get('operations', seq!))?.value).toEqual({ seq, id: 'a', lane: 'y' })
      expect(await readAll(storage, 'operations')).toHaveLength(1)
      expect(await storage.get('operations', String(seq))).toBeUndefined()
      expect(await storage.scan('operations', { gt: [''], limit: 10 })).toEqual([])
    })

    it('D2 writes of one commit apply in order', async () => {
      await storage.commit([
        put({ id: 'n', v: 1 }),
        put({ id: 'n', v: 2 }),
        put({ id: 'gone' }),
        { type: 'delete', collection: 'notes', key: 'gone' },
      ])
      expect((await storage.get('notes', 'n'))?.value).toEqual({ id: 'n', v: 2 })
      expect(await storage.get('notes', 'gone')).toBeUndefined()
      await storage.commit([{ type: 'delete', collection: 'notes', key: 'was never there' }])
    })

    it("D2 a committed row is the store's own: later changes to the object reach neither it nor other readers", async () => {
      const row = { id: 'n', list: [1] }
      await storage.commit([put(row)])
      row.list.push(2)
      const read = (await storage.get('notes', 'n'))?.value as typeof row
      read.list.push(3)
      expect((await storage.get('notes', 'n'))?.value).toEqual({ id: 'n', list: [1] })
    })

    it('D2 a relaxed commit is seen by everyone like a strict one', async () => {
      await storage.commit([put({ id: 'relaxed' })], { durability: 'relaxed' })
      await storage.commit([put({ id: 'strict' })], { durability: 'strict' })
      expect(keysOf(await other.scan('notes', { limit: 10 }))).toEqual(['relaxed', 'strict'])
    })

    it('C6 an expectation that holds lets the commit pass, one that does not leaves nothing of it', async () => {
      const absent = { collection: 'notes', key: 'n', absent: true } as const
      const version = (equals: number) => ({ collection: 'notes', key: 'n', field: 'v', equals })
      await storage.commit([put({ id: 'n', v: 1 })], { expect: [absent] })
      expect(await failureOf(other.commit([put({ id: 'n', v: 9 })], { expect: [absent] }))).toBeInstanceOf(StorageConflictError)
      await other.commit([put({ id: 'n', v: 2 })], { expect: [version(1)] })
      const failing = storage.commit([put({ id: 'n', v: 3 }), put({ id: 'm' }), append({ id: 'o' })], {
        expect: [version(2), version(1)],
      })
      expect(await failureOf(failing)).toMatchObject({ code: 'storage-conflict', index: undefined, retryable: true })
      const missing = { collection: 'notes', key: 'nobody', field: 'v', equals: 1 }
      expect(await failureOf(storage.commit([put({ id: 'm' })], { expect: [missing] }))).toBeInstanceOf(StorageConflictError)
      expect((await readAll(storage, 'notes')).map((entry) => entry.value)).toEqual([{ id: 'n', v: 2 }])
      expect(await readAll(storage, 'operations')).toEqual([])
    })

    it('C6 an expectation does not take a number for the string that looks like it', async () => {
      await storage.commit([put({ id: 'n', v: '1' })])
      const expectation = { collection: 'notes', key: 'n', field: 'v', equals: 1 }
      expect(await failureOf(storage.commit([], { expect: [expectation] }))).toBeInstanceOf(StorageConflictError)
    })

    it('S3 a violated unique index names itself and leaves nothing of the commit', async () => {
      await storage.commit([append({ id: 'a' }), put({ id: 'n1', name: 'taken' })])
      const twice = storage.commit([put({ id: 'before' }), append({ id: 'b' }), append({ id: 'a' }), put({ id: 'after' })])
      expect(await failureOf(twice)).toMatchObject({ code: 'storage-conflict', index: 'byId' })
      const within = storage.commit([put({ id: 'x', name: 'same' }), put({ id: 'y', name: 'same' })])
      expect(await failureOf(within)).toMatchObject({ code: 'storage-conflict', index: 'byName' })
      const moved = storage.commit([put({ id: 'n2' }), put({ id: 'n2', name: 'taken' })])
      expect(await failureOf(moved)).toMatchObject({ code: 'storage-conflict', index: 'byName' })
      expect(keysOf(await readAll(other, 'notes'))).toEqual(['n1'])
      expect(await readAll(other, 'operations')).toHaveLength(1)
    })

    it('C6 a unique value is free again once its row has let go of it, in the same commit too', async () => {
      await storage.commit([put({ id: 'n1', name: 'x' })])
      await storage.commit([put({ id: 'n1', name: 'y' }), put({ id: 'n2', name: 'x' })])
      await storage.commit([{ type: 'delete', collection: 'notes', key: 'n2' }, put({ id: 'n3', name: 'x' })])
      expect(keysOf(await storage.scan('notes', { index: 'byName', limit: 10 }))).toEqual(['n3', 'n1'])
    })

    it('S3 a row without a usable key, or of an undeclared collection, is refused and leaves nothing of the commit', async () => {
      for (const bad of [{}, { id: null }, { id: Number.NaN }, { id: true }, { id: ['x'] }]) {
        expect(await failureOf(storage.commit([put({ id: 'before' }), put(bad)]))).toBeInstanceOf(ValidationError)
      }
      const nowhere: Write = { type: 'put', collection: 'nowhere', value: { id: 'x' } }
      expect(await failureOf(storage.commit([put({ id: 'before' }), nowhere]))).toBeInstanceOf(ValidationError)
      const unkeyed: Write = { type: 'append', collection: 'notes', value: { id: 'x' } }
      expect(await failureOf(storage.commit([put({ id: 'before' }), unkeyed]))).toBeInstanceOf(ValidationError)
      expect(await readAll(storage, 'notes')).toEqual([])
    })

    it('S10 a commit with a fence passes until a higher epoch is in the lease, and is refused from then on', async () => {
      await storage.commit([put({ id: 'n', v: 0 })], fence(1))
      await storage.commit([lease(2)])
      await storage.commit([put({ id: 'n', v: 1 })], fence(2))
      await other.commit([lease(3)], { expect: [{ collection: 'leases', key: 'owner', field: 'epoch', equals: 2 }] })
      const late = storage.commit([put({ id: 'n', v: 2 }), append({ id: 'o' })], fence(2))
      expect(await failureOf(late)).toBeInstanceOf(StorageFencedError)
      const taken = storage.commit([lease(4)], { ...fence(2), expect: [{ collection: 'leases', key: 'owner', absent: true }] })
      expect(await failureOf(taken)).toBeInstanceOf(StorageFencedError)
      await other.commit([put({ id: 'm' })], fence(3))
      expect((await readAll(storage, 'notes')).map((entry) => entry.value)).toEqual([{ id: 'm' }, { id: 'n', v: 1 }])
      expect(await readAll(storage, 'operations')).toEqual([])
    })

    it('S10 of many owners that take the lease at once, one gets each epoch', async () => {
      await storage.commit([lease(1)])
      const claim = (handle: Storage) =>
        handle.commit([lease(2)], { expect: [{ collection: 'leases', key: 'owner', field: 'epoch', equals: 1 }] })
      const claims = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => claim(n % 2 ? storage : other)))
      expect(claims.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    })

    it('C6 no update is lost when two handles count at once with compare and set', async () => {
      const counters = Array.from({ length: 10 }, (_, n) => `counter${n}`)
      await storage.commit(counters.map((id) => put({ id, count: 0 })))
      async function increment(handle: Storage, id: string): Promise<void> {
        for (;;) {
          const { count } = (await handle.get('notes', id))!.value as { count: number }
          const expectation = { collection: 'notes', key: id, field: 'count', equals: count }
          try {
            await handle.commit([put({ id, count: count + 1 })], { expect: [expectation] })
            return
          } catch (error) {
            if (!(error instanceof StorageConflictError)) throw error
          }
        }
      }
      await Promise.all(Array.from({ length: 200 }, (_, n) => increment(n % 2 ? storage : other, counters[n % 10]!)))
      expect((await storage.getMany('notes', counters)).map((entry) => entry?.value)).toEqual(
        counters.map((id) => ({ id, count: 20 })),
      )
    })

    it('D2 commits that two handles make at the same time are each there whole', async () => {
      const batch = (n: number) => Array.from({ length: 10 }, (_, row) => append({ id: `${n}-${row}`, lane: `batch${n}` }))
      const keys = await Promise.all(Array.from({ length: 30 }, (_, n) => (n % 2 ? storage : other).commit(batch(n))))
      expect(new Set(keys.flat()).size).toBe(300)
      for (let n = 0; n < 30; n++) {
        const rows = await storage.scan('operations', { index: 'byLane', prefix: [`batch${n}`], limit: 1000 })
        expect(rows.map((row) => row.value)).toMatchObject(batch(n).map((_, row) => ({ id: `${n}-${row}` })))
      }
    })
  })
}
