import { expect, it } from 'vitest'
import type { KeyValueStore } from '../../src/adapters/localforage/forage.ts'
import { withLock } from '../../src/adapters/localforage/lock.ts'
import { nobody } from '../../src/adapters/localforage/peers.ts'
import { keyValueTier } from '../../src/adapters/localforage/tier.ts'
import { StorageNewerError, StorageQuotaError, StorageUnavailableError } from '../../src/core/errors.ts'
import type { Storage, StoreListener } from '../../src/core/ports.ts'
import { describeStorage } from './storage-contract.ts'
import type { StorageWorld } from './storage-world.ts'
import { laterSchema, schema } from './storage-world.ts'

let stores = 0

/** Keys and values in memory, each written alone, and the tier over them. */
function keyValueWorld(): StorageWorld & {
  readonly values: Map<string, string>
  failReads(isFailing: (key: string) => boolean): void
} {
  const values = new Map<string, string>()
  const listeners = new Map<object, Set<StoreListener>>()
  const lock = `store ${++stores}`
  let broken: string | undefined
  let [handles, longest] = [0, Infinity]
  let isFailing = (_key: string): boolean => false

  const read = (key: string): unknown => JSON.parse(values.get(key) ?? 'null')
  const store: KeyValueStore = {
    lagging: false,
    async get(key) {
      if (isFailing(key)) throw new Error('the connection is lost')
      return read(key)
    },
    async set(key, value) {
      const text = JSON.stringify(value)
      if (key === broken) throw new Error('the disk failed')
      if (text.length > longest) throw new StorageQuotaError()
      values.set(key, text)
    },
    remove: async (key) => void values.delete(key),
    entries: async () => new Map([...values.keys()].map((key) => [key, read(key)])),
  }

  function handle(): Storage {
    const own = new Set<StoreListener>()
    listeners.set(own, own)
    return keyValueTier({
      openStore: async () => store,
      withLock: (task) => withLock(lock, task),
      channel: {
        open: () => {},
        post(collections) {
          for (const others of listeners.values())
            if (others !== own) for (const listener of others) queueMicrotask(() => listener(collections))
        },
        watch(listener) {
          const mine: StoreListener = (collections) => listener(collections)
          own.add(mine)
          return () => void own.delete(mine)
        },
        close: () => own.clear(),
      },
      presence: undefined,
      peersOf: () => nobody,
      newId: () => `handle ${++handles}`,
      quotaBytes: async () => undefined,
      durability: () => 'os',
    })
  }

  return {
    values,
    handle,
    failReads: (how) => void (isFailing = how),
    async failWritesOf(collection, key) {
      broken = `${collection}/s${key}`
      return async () => void (broken = undefined)
    },
    async fillQuota() {
      longest = 200_000
      return async () => void (longest = Infinity)
    },
    async corruptRow(collection, key) {
      const record = read(`${collection}/s${key}`) as { text: string }
      values.set(`${collection}/s${key}`, JSON.stringify({ ...record, text: record.text.slice(0, -1) }))
      const head = read('~head') as { sequence: number }
      // Rows are held in memory, and looked at again only after a commit of somebody else.
      values.set('~head', JSON.stringify({ ...head, sequence: head.sequence + 1 }))
    },
    destroy: async () => values.clear(),
  }
}

describeStorage('the portable tier over keys and values', async () => keyValueWorld())

it('S27 a build of an older schema does not finish what a newer one has begun', async () => {
  const world = keyValueWorld()
  const newer = world.handle()
  await newer.open(laterSchema)
  await newer.commit([{ type: 'put', collection: 'notes', value: { id: 'a' } }])
  const begun = { ...JSON.parse(world.values.get('~head') ?? ''), redo: [['notes/sb', { text: '{"id":"b"}', at: {} }]] }
  world.values.set('~head', JSON.stringify(begun))
  const left = new Map(world.values)
  await expect(world.handle().open(schema)).rejects.toThrow(StorageNewerError)
  expect(world.values).toEqual(left)
  const next = world.handle()
  await next.open(laterSchema)
  expect(await next.get('notes', 'b')).toMatchObject({ value: { id: 'b' } })
})

it('S28 L5 a row that comes while the connection is lost is read when it is back, and not taken for a damaged one', async () => {
  const world = keyValueWorld()
  const [writer, reader] = [world.handle(), world.handle()]
  await Promise.all([writer.open(schema), reader.open(schema)])
  await writer.commit([{ type: 'append', collection: 'operations', value: { lane: 'a' } }])
  let reads = 0
  world.failReads((key) => ++reads > 1 || key !== '~head')
  await expect(reader.scan('operations', { index: 'byLane', limit: 9 })).rejects.toThrow(StorageUnavailableError)
  world.failReads(() => false)
  expect(await reader.scan('operations', { index: 'byLane', limit: 9 })).toMatchObject([{ value: { lane: 'a' } }])
})

it('S28 a row that fails by itself, while the others can be read, is damaged', async () => {
  const world = keyValueWorld()
  const [writer, reader] = [world.handle(), world.handle()]
  await Promise.all([writer.open(schema), reader.open(schema)])
  await writer.commit(['a', 'b'].map((id) => ({ type: 'put', collection: 'notes', value: { id } })))
  world.failReads((key) => key === 'notes/sa')
  expect(await reader.getMany('notes', ['a', 'b'])).toMatchObject([{ corrupt: {} }, { value: { id: 'b' } }])
})

it.each([1, 2])(
  'S10 S14 a store that was emptied and begun anew is not taken for the one before after %i commits',
  async (commits) => {
    const world = keyValueWorld()
    const [writer, reader] = [world.handle(), world.handle()]
    await Promise.all([writer.open(schema), reader.open(schema)])
    await writer.commit([{ type: 'put', collection: 'notes', value: { id: 'before' } }])
    expect(await reader.get('notes', 'before')).toMatchObject({ value: { id: 'before' } })
    world.values.clear()
    const ids = ['a', 'b'].slice(0, commits)
    for (const id of ids) await writer.commit([{ type: 'put', collection: 'notes', value: { id } }])
    expect(await reader.scan('notes', { limit: 9 })).toMatchObject(ids.map((id) => ({ value: { id } })))
    expect(await reader.getMany('notes', ['before', ...ids])).toMatchObject([undefined, ...ids.map((id) => ({ value: { id } }))])
  },
)
