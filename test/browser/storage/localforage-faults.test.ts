import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localforageStorage } from '../../../src/adapters/localforage/index.ts'
import { StorageCorruptError, StorageNewerError, StorageQuotaError, StorageUnavailableError } from '../../../src/core/errors.ts'
import type { Storage, Write } from '../../../src/core/ports.ts'
import { keysOf, laterSchema, readAll, schema } from '../../adapters/storage-world.ts'
import type { Driver } from './localforage-world.ts'
import { fillLocalStorage, groundOf, tamperWithRecords } from './localforage-world.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })
const append = (value: object): Write => ({ type: 'append', collection: 'operations', value })

const writes: readonly Write[] = [
  put({ id: 'kept', tag: 'new' }),
  { type: 'delete', collection: 'notes', key: 'deleted' },
  put({ id: 'fresh', name: 'unique' }),
  append({ id: 'o2', lane: 'l' }),
  append({ id: 'o3', lane: 'l' }),
]
const before = [
  { id: 'deleted', name: 'unique' },
  { id: 'kept', tag: 'old' },
]
const after = [
  { id: 'fresh', name: 'unique' },
  { id: 'kept', tag: 'new' },
]

/** The head with the redo record, five rows, and the head without it. */
const STEPS = 7

describe.each(['INDEXEDDB', 'LOCALSTORAGE'] as const)('a commit to localforage over %s that breaks', (driver) => {
  let name = ''
  let storage: Storage
  const repairs: (() => void)[] = []
  beforeEach(() => {
    name = `torn-${crypto.randomUUID()}`
    storage = localforageStorage({ name, driver })
  })
  afterEach(async () => {
    for (const repair of repairs.splice(0)) repair()
    await storage.close()
    await groundOf(driver, name).drop()
  })

  /** Fails the step of this number, and the later ones too if `forGood`: then not even the cleaning up works, as after a kill. */
  function breakStep(step: number, forGood: boolean): void {
    let steps = 0
    const repair = tamperWithRecords(driver, (key) => {
      if (key === '') return
      steps += 1
      if (steps === step || (forGood && steps > step)) throw new DOMException('injected', 'UnknownError')
    })
    repairs.push(repair)
  }

  it.each([false, true])(
    'S2 S3 is there whole if it was acknowledged, and not at all if it was refused (for good: %s)',
    async (forGood) => {
      for (let step = 1; step <= STEPS + 1; step++) {
        name = `torn-${crypto.randomUUID()}`
        const first = localforageStorage({ name, driver })
        await first.open(schema)
        await first.commit([
          put({ id: 'kept', tag: 'old' }),
          put({ id: 'deleted', name: 'unique' }),
          append({ id: 'o1', lane: 'l' }),
        ])
        breakStep(step, forGood)
        const acknowledged = await first.commit(writes).then(
          () => true,
          () => false,
        )
        repairs.pop()?.()
        const reopened = localforageStorage({ name, driver })
        await reopened.open(schema)
        for (const handle of [reopened, first]) {
          expect(
            (await readAll(handle, 'notes')).map((entry) => entry.value),
            `step ${step}`,
          ).toEqual(acknowledged ? after : before)
          expect(await handle.scan('operations', { index: 'byLane', limit: 9 })).toHaveLength(acknowledged ? 3 : 1)
          expect(keysOf(await handle.scan('notes', { index: 'byName', limit: 9 }))).toEqual([acknowledged ? 'fresh' : 'deleted'])
        }
        expect(acknowledged).toBe(forGood ? step > 1 : step === 1 || step >= STEPS ? step > 1 : false)
        const keys = await Promise.all([reopened, first].map((handle) => handle.commit([append({ id: crypto.randomUUID() })])))
        expect(new Set([...keys.flat(), 1]).size).toBe(3)
        await reopened.close()
        await first.close()
        await groundOf(driver, name).drop()
      }
    },
  )

  it('S2 what a killed tab left half applied is finished by the next one, before it reads anything', async () => {
    const ground = groundOf(driver, name)
    await storage.open(schema)
    await storage.commit([put({ id: 'kept', tag: 'old' }), put({ id: 'deleted' })])
    const head = (await ground.read('~head')) as { sequence: number }
    const redo = [
      ['notes/skept', { text: '{"id":"kept","tag":"new"}', at: { tag: 'new' } }],
      ['notes/sdeleted', null],
    ]
    const recent = [{ sequence: head.sequence + 1, keys: ['notes/skept', 'notes/sdeleted'] }]
    await ground.write('~head', { ...head, by: 'killed', sequence: head.sequence + 1, recent, redo })
    expect(await storage.get('notes', 'kept')).toMatchObject({ value: { id: 'kept', tag: 'new' } })
    expect(keysOf(await readAll(storage, 'notes'))).toEqual(['kept'])
    expect(await ground.read('~head')).not.toHaveProperty('redo')
  })

  it('E1 a handle that missed many commits reads anew, one that missed few takes what changed', async () => {
    const other = localforageStorage({ name, driver })
    await storage.open(schema)
    await other.open(schema)
    const few = Array.from({ length: 5 }, (_, n) => put({ id: `few${n}`, tag: n }))
    for (const write of few) await other.commit([write])
    expect(keysOf(await storage.scan('notes', { index: 'byTag', limit: 9 }))).toEqual(
      keysOf(await other.scan('notes', { limit: 9 })),
    )
    await other.commit(Array.from({ length: 250 }, (_, n) => put({ id: `many${n}` })))
    await other.commit([{ type: 'delete', collection: 'notes', key: 'few0' }])
    expect(await readAll(storage, 'notes')).toEqual(await readAll(other, 'notes'))
    expect(await readAll(storage, 'notes')).toHaveLength(254)
    await other.close()
  })

  it('S27 a handle in use that another has overtaken with a later schema writes nothing more', async () => {
    await storage.open(schema)
    const newer = localforageStorage({ name, driver })
    await newer.open(laterSchema)
    await expect(storage.commit([put({ id: 'late' })])).rejects.toBeInstanceOf(StorageNewerError)
    expect(await readAll(newer, 'notes')).toEqual([])
    await newer.close()
  })

  it('S28 a head that can not be read is reported, and the rows are left as they are', async () => {
    await storage.open(schema)
    await storage.commit([put({ id: 'n' })])
    await groundOf(driver, name).write('~head', { version: 'x' })
    await expect(storage.get('notes', 'n')).rejects.toBeInstanceOf(StorageCorruptError)
    await expect(storage.commit([put({ id: 'm' })])).rejects.toBeInstanceOf(StorageCorruptError)
    expect(await groundOf(driver, name).read('notes/sn')).toMatchObject({ text: '{"id":"n"}' })
  })

  it('E1 without Web Locks the handles of one page still take turns', async () => {
    Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true })
    repairs.push(() => Reflect.deleteProperty(navigator, 'locks'))
    const handles = Array.from({ length: 4 }, () => localforageStorage({ name, driver }))
    await Promise.all(handles.map((handle) => handle.open(schema)))
    expect(handles[0]?.presence).toBeUndefined()
    const keys = await Promise.all(Array.from({ length: 40 }, (_, n) => handles[n % 4]!.commit([append({ id: `o${n}` })])))
    expect(new Set(keys.flat()).size).toBe(40)
    expect(await readAll(handles[0]!, 'operations')).toHaveLength(40)
    await Promise.all(handles.map((handle) => handle.close()))
  })
})

describe('localforage over localStorage', () => {
  const driver: Driver = 'LOCALSTORAGE'
  let name = ''
  let storage: Storage
  beforeEach(async () => {
    name = `local-${crypto.randomUUID()}`
    storage = localforageStorage({ name, driver })
    await storage.open(schema)
  })
  afterEach(async () => {
    await storage.close()
    localStorage.clear()
  })

  it('E8 where the redo record fits and its rows no longer do, the commit is taken back', async () => {
    await storage.commit([put({ id: 'n', text: 'old' })])
    const release = fillLocalStorage(400 * 1024)
    const large = put({ id: 'n', text: 'x'.repeat(256 * 1024) })
    await expect(storage.commit([put({ id: 'm' }), large, append({ id: 'o' })])).rejects.toBeInstanceOf(StorageQuotaError)
    expect((await readAll(storage, 'notes')).map((entry) => entry.value)).toEqual([{ id: 'n', text: 'old' }])
    expect(await readAll(storage, 'operations')).toEqual([])
    await storage.commit([put({ id: 'small' })])
    release()
    await storage.commit([large])
  })

  it('S28 a row whose record is no JSON at all is corrupt, and the others can be read', async () => {
    await storage.commit([put({ id: 'a' }), put({ id: 'b' }), put({ id: 'c' })])
    await storage.close()
    localStorage.setItem(`synchart:${name}/rows/notes/sb`, '{"text":"{')
    await storage.open(schema)
    const entries = await readAll(storage, 'notes')
    expect(entries.map(({ key, corrupt }) => [key, corrupt === undefined])).toEqual([
      ['a', true],
      ['b', false],
      ['c', true],
    ])
  })

  it('C6 a browser that refuses the storage gives the error that says so', async () => {
    const { setItem } = globalThis.Storage.prototype
    globalThis.Storage.prototype.setItem = () => {
      throw new DOMException('refused', 'SecurityError')
    }
    const refused = localforageStorage({ name: 'refused', driver })
    localStorage.clear()
    await expect(refused.open(schema)).rejects.toBeInstanceOf(StorageUnavailableError)
    globalThis.Storage.prototype.setItem = setItem
    await refused.open(schema)
    await refused.close()
  })
})
