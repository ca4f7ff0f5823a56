import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aesGcm, webAesGcm } from '../../src/adapters/encrypted/aes-gcm.ts'
import { encryptedStorage, generateKey, keyFromPassphrase, newSalt, type KeyRing } from '../../src/adapters/encrypted/index.ts'
import { nodeAesGcm } from '../../src/adapters/encrypted/node-aes-gcm.ts'
import { memoryDisk, memoryStorage, type MemoryDisk } from '../../src/adapters/memory.ts'
import { StorageConflictError, StorageCorruptError, StorageKeyError, ValidationError } from '../../src/core/errors.ts'
import type { Storage, StoreSchema, Write } from '../../src/core/ports.ts'
import { readAll, schema } from './storage-world.ts'
import { newKeys } from './support/encrypted-world.ts'

const put = (value: object): Write => ({ type: 'put', collection: 'notes', value })
const append = (value: object): Write => ({ type: 'append', collection: 'operations', value })

/** Behind the wrapper's back. */
async function behind(disk: MemoryDisk): Promise<Storage> {
  const storage = memoryStorage({ disk })
  const encryption = { key: 'name', indexes: {} }
  await storage.open({ version: disk.version, collections: { ...schema.collections, encryption } })
  return storage
}

async function rowIn(disk: MemoryDisk, collection: string, key: string | number): Promise<Record<string, unknown>> {
  return (await (await behind(disk)).get(collection, key))!.value as Record<string, unknown>
}

let disk: MemoryDisk
let keys: KeyRing
let storage: Storage
beforeEach(async () => {
  disk = memoryDisk()
  keys = await newKeys('k1')
  storage = encryptedStorage({ storage: memoryStorage({ disk }), keys })
  await storage.open(schema)
})
afterEach(() => {
  vi.unstubAllGlobals()
  return storage.close()
})

describe('what is sealed', () => {
  it('E7 leaves the key, what indexes hold and what commits compare readable, and nothing else', async () => {
    const [seq] = await storage.commit([
      put({ id: 'n1', tag: 'red', v: 3, title: 'secret', a: { deep: 'secret' } }),
      append({ id: 'o1', user: 'u1', rank: 5, payload: { title: 'secret' } }),
    ])
    expect(await rowIn(disk, 'notes', 'n1')).toEqual({ id: 'n1', tag: 'red', v: 3, sealed: expect.stringMatching(/^1p\.k1\./) })
    const row = await rowIn(disk, 'operations', seq!)
    expect(row).toEqual({ seq, id: 'o1', user: 'u1', rank: 5, sealed: expect.stringMatching(/^1a\.k1\./) })
    expect(JSON.stringify([...disk.tables].map(([, { rows }]) => [...rows.values()]))).not.toContain('secret')
  })

  it('E7 is another text each time, though the row is the same', async () => {
    const texts = new Set<unknown>()
    for (let n = 0; n < 100; n++) {
      await storage.commit([put({ id: 'n1', title: 'same' })])
      texts.add((await rowIn(disk, 'notes', 'n1'))['sealed'])
    }
    expect(texts.size).toBe(100)
  })

  it('E7 a commit that compares a field that is sealed is refused and says what to do', async () => {
    const expectation = { collection: 'notes', key: 'n1', field: 'title', equals: 'x' }
    const commit = storage.commit([put({ id: 'n2' })], { expect: [expectation] })
    await expect(commit).rejects.toThrow(/notes\.title: is sealed.*"compared"/)
    const fence = { collection: 'notes', key: 'n1', epoch: 1 }
    await expect(storage.commit([put({ id: 'n2' })], { fence })).rejects.toBeInstanceOf(ValidationError)
    expect(await storage.get('notes', 'n2')).toBeUndefined()
  })

  it('E7 commits reach the store in the order in which they were made, however long each is sealed', async () => {
    const large = 'x'.repeat(1_000_000)
    await Promise.all([
      storage.commit([put({ id: 'n1', text: large })]),
      storage.commit([put({ id: 'n1', text: 'small' })]),
      storage.commit([{ type: 'delete', collection: 'notes', key: 'n1' }]),
      storage.commit([put({ id: 'n1', text: 'last' })]),
    ])
    expect((await storage.get('notes', 'n1'))?.value).toEqual({ id: 'n1', text: 'last' })
  })

  it('E7 WebCrypto and Node open what the other has sealed, with a key that can not be extracted', async () => {
    const [web, node] = [webAesGcm(keys), nodeAesGcm(keys)!]
    const [plain, place] = [new TextEncoder().encode('text'), new TextEncoder().encode('place')]
    expect(keys.all['k1']!.extractable).toBe(false)
    for (const [by, reader] of [
      [web, node],
      [node, web],
    ] as const) {
      const sealed = await by.seal('k1', plain, place)
      expect([...(await reader.open('k1', sealed, place))]).toEqual([...plain])
      await expect(async () => reader.open('k1', sealed, plain)).rejects.toThrow()
      await expect(async () => reader.open('k1', sealed.slice(0, 20), place)).rejects.toThrow()
    }
    expect(aesGcm(keys).ids).toEqual(['k1'])
  })
})

describe('a row that was tampered with', () => {
  const original = { id: 'n1', tag: 'red', v: 3, title: 'secret' }
  const flipped = (text: string, at: number): string => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const place = at < 0 ? text.length + at : at
    const other = alphabet[(alphabet.indexOf(text[place]!) + 1) % 64]!
    return text.slice(0, place) + other + text.slice(place + 1)
  }

  it.each<[string, (row: Record<string, string>) => object]>([
    ['the nonce', (row) => ({ ...row, sealed: flipped(row['sealed']!, 8) })],
    ['the ciphertext', (row) => ({ ...row, sealed: flipped(row['sealed']!, 26) })],
    ['the tag', (row) => ({ ...row, sealed: flipped(row['sealed']!, -5) })],
    ['the last bits of its text', (row) => ({ ...row, sealed: flipped(row['sealed']!.replace(/=+$/, ''), -1) })],
    ['the format', (row) => ({ ...row, sealed: row['sealed']!.replace('1p', '2p') })],
    ['the kind', (row) => ({ ...row, sealed: row['sealed']!.replace('1p', '1a') })],
    ['the id of the key', (row) => ({ ...row, sealed: row['sealed']!.replace('k1', 'k7') })],
    ['its length', (row) => ({ ...row, sealed: row['sealed']!.slice(0, -4) })],
    ['what it is', (row) => ({ ...row, sealed: 7 })],
    ['a plain field', (row) => ({ ...row, tag: 'blue' })],
    ['a field that is compared', (row) => ({ ...row, v: 2 })],
    ['a plain field by leaving it out', ({ tag: _tag, ...row }) => row],
    ['a field that is added', (row) => ({ ...row, title: 'forged' })],
    ['everything: it is plain again', () => original],
    ['its place in the collection', (row) => ({ ...row, id: 'n2' })],
  ])('S28 E7 is corrupt, keeps its place and says why: %s', async (_, tamper) => {
    await storage.commit([put(original), put({ id: 'n0', tag: 'red' }), put({ id: 'n3', tag: 'red' })])
    const raw = await behind(disk)
    const forged = tamper((await rowIn(disk, 'notes', 'n1')) as Record<string, string>) as { id: string }
    await raw.commit([put(forged)])
    const entry = await storage.get('notes', forged.id)
    expect(entry).toMatchObject({ key: forged.id, value: undefined, corrupt: expect.any(StorageCorruptError) })
    expect(entry?.corrupt?.message).toContain(`"${forged.id}" of "notes"`)
    const around = await storage.scan('notes', { limit: 10 })
    expect(around.filter(({ corrupt }) => corrupt !== undefined).map(({ key }) => key)).toEqual([forged.id])
    expect(around.find(({ key }) => key === 'n3')?.value).toEqual({ id: 'n3', tag: 'red' })
    await storage.commit([put({ ...original, id: forged.id })])
    expect((await storage.get('notes', forged.id))?.value).toEqual({ ...original, id: forged.id })
  })

  it('S28 E7 is corrupt in another collection, and in the place of another row', async () => {
    await storage.commit([
      put({ id: 'n1', v: 1 }),
      put({ id: 'n2', v: 1 }),
      { type: 'put', collection: 'leases', value: { id: 'n1' } },
    ])
    const raw = await behind(disk)
    const [one, two] = [await rowIn(disk, 'notes', 'n1'), await rowIn(disk, 'notes', 'n2')]
    await raw.commit([put({ ...one, sealed: two['sealed'] }), put({ ...two, sealed: one['sealed'] })])
    await raw.commit([{ type: 'put', collection: 'leases', value: one }])
    expect((await storage.getMany('notes', ['n1', 'n2'])).map((entry) => entry?.corrupt)).toEqual([
      expect.any(StorageCorruptError),
      expect.any(StorageCorruptError),
    ])
    expect((await storage.get('leases', 'n1'))?.corrupt).toBeInstanceOf(StorageCorruptError)
  })

  it('S28 E7 is corrupt under another number, once an appended row was put again', async () => {
    const [seq] = await storage.commit([append({ id: 'o1', lane: 'l' })])
    await storage.commit([{ type: 'put', collection: 'operations', value: { seq, id: 'o1', lane: 'l' } }])
    const raw = await behind(disk)
    const row = await rowIn(disk, 'operations', seq!)
    await raw.commit([
      { type: 'delete', collection: 'operations', key: seq! },
      { type: 'put', collection: 'operations', value: { ...row, seq: 9 } },
    ])
    expect((await storage.get('operations', 9))?.corrupt).toBeInstanceOf(StorageCorruptError)
  })

  it('S28 E7 an appended row can not stand twice: what is unique of it is bound', async () => {
    const [seq] = await storage.commit([append({ id: 'o1', lane: 'l' })])
    const raw = await behind(disk)
    const row = await rowIn(disk, 'operations', seq!)
    const copy = (change: object): Promise<unknown> =>
      raw.commit([{ type: 'put', collection: 'operations', value: { ...row, seq: 9, ...change } }])
    await expect(copy({})).rejects.toBeInstanceOf(StorageConflictError)
    await copy({ id: 'o2' })
    expect((await storage.get('operations', 9))?.corrupt).toBeInstanceOf(StorageCorruptError)
  })
})

describe('keys', () => {
  const again = (given: KeyRing): Storage => encryptedStorage({ storage: memoryStorage({ disk }), keys: given })

  it('E7 a wrong key, and one that is missing, are recognised when the store is opened', async () => {
    await storage.commit([put({ id: 'n1' })])
    await storage.close()
    for (const wrong of [await newKeys('k1'), await newKeys('k2')]) {
      const other = again(wrong)
      await expect(other.open(schema)).rejects.toMatchObject({ name: 'StorageKeyError', code: 'storage-key', retryable: false })
      await expect(other.get('notes', 'n1')).rejects.toMatchObject({ code: 'storage-closed' })
    }
    await storage.open(schema)
    expect((await storage.get('notes', 'n1'))?.value).toEqual({ id: 'n1' })
  })

  it('E7 the record of the keys vouches for itself: what is changed in it is recognised', async () => {
    const raw = await behind(disk)
    const record = await rowIn(disk, 'encryption', 'keys')
    await raw.commit([{ type: 'put', collection: 'encryption', value: { ...record, isSealing: true } }])
    await storage.close()
    await expect(storage.open(schema)).rejects.toBeInstanceOf(StorageKeyError)
  })

  it('E7 a record of the keys that was lost is made anew by who has the keys, and by nobody else', async () => {
    await storage.commit([put({ id: 'n1' })])
    await storage.close()
    const raw = await behind(disk)
    await raw.commit([{ type: 'delete', collection: 'encryption', key: 'keys' }])
    await expect(again(await newKeys('k1')).open(schema)).rejects.toBeInstanceOf(StorageKeyError)
    await storage.open(schema)
    expect((await storage.get('notes', 'n1'))?.value).toEqual({ id: 'n1' })
  })

  /** As a browser does where the user clears the data of a site whose tabs are open. */
  async function empty(emptied: MemoryDisk): Promise<void> {
    const raw = await behind(emptied)
    for (const collection of emptied.tables.keys())
      for (const { key } of await raw.scan(collection, { limit: 1_000 })) await raw.commit([{ type: 'delete', collection, key }])
  }

  it('E7 S1 a store that is emptied while handles have it open is begun anew by the next commit, and sealed', async () => {
    const other = again(keys)
    await other.open(schema)
    await storage.commit([put({ id: 'n1', title: 'x' })])
    await empty(disk)
    await Promise.all([storage.commit([put({ id: 'n2', title: 'y' })]), other.commit([put({ id: 'n3', title: 'z' })])])
    expect(await readAll(storage, 'notes')).toEqual(await readAll(other, 'notes'))
    await storage.close()
    await storage.open(schema)
    expect((await readAll(storage, 'notes')).map(({ value }) => value)).toEqual([
      { id: 'n2', title: 'y' },
      { id: 'n3', title: 'z' },
    ])
    expect(await rowIn(disk, 'notes', 'n2')).not.toHaveProperty('title')
  })

  it('E7 S1 where another has begun an emptied store anew with another salt, what is committed is sealed as there', async () => {
    const made = memoryDisk()
    const byPassphrase = (): Storage =>
      encryptedStorage({
        storage: memoryStorage({ disk: made }),
        keys: async ({ salt }) => ({
          current: 'p',
          all: { p: await keyFromPassphrase('correct horse', { salt, iterations: 1_000 }) },
        }),
      })
    const [first, second] = [byPassphrase(), byPassphrase()]
    await first.open(schema)
    await empty(made)
    await second.open(schema)
    await second.commit([put({ id: 'n1', title: 'x' })])
    await first.commit([put({ id: 'n2', title: 'y' })])
    for (const handle of [first, second, byPassphrase()]) {
      await handle.open(schema)
      expect((await readAll(handle, 'notes')).map(({ value }) => value)).toEqual([
        { id: 'n1', title: 'x' },
        { id: 'n2', title: 'y' },
      ])
    }
  })

  it('E7 a passphrase gives the same key for the salt that the store keeps, and another one is refused', async () => {
    const made = memoryDisk()
    const by = (passphrase: string): Storage =>
      encryptedStorage({
        storage: memoryStorage({ disk: made }),
        keys: async ({ salt }) => ({
          current: 'p',
          all: { p: await keyFromPassphrase(passphrase, { salt, iterations: 1_000 }) },
        }),
      })
    const first = by('correct horse')
    await first.open(schema)
    await first.commit([put({ id: 'n1', title: 'x' })])
    await first.close()
    await expect(by('battery staple').open(schema)).rejects.toBeInstanceOf(StorageKeyError)
    const second = by('correct horse')
    await second.open(schema)
    expect((await second.get('notes', 'n1'))?.value).toEqual({ id: 'n1', title: 'x' })
  })

  it('E7 D5 where a page has no WebCrypto, the error says why it has none', async () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
    vi.stubGlobal('CryptoKey', undefined)
    const made = async (): Promise<unknown> => generateKey()
    await expect(made()).rejects.toThrow(StorageKeyError)
    await expect(keyFromPassphrase('passphrase', { salt: newSalt() })).rejects.toThrow(/https/)
    expect(() => encryptedStorage({ storage: memoryStorage({ disk }), keys })).toThrow(ValidationError)
  })

  it('E7 a key of a passphrase is PBKDF2-HMAC-SHA-256 with 600,000 rounds, and can not be extracted', async () => {
    const salt = new TextEncoder().encode('0123456789abcdef')
    const key = await keyFromPassphrase('passphrase', { salt })
    const { pbkdf2Sync, createDecipheriv } = await import('node:crypto')
    const iv = new Uint8Array(12)
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode('text')))
    const decipher = createDecipheriv('aes-256-gcm', pbkdf2Sync('passphrase', salt, 600_000, 32, 'sha256'), iv)
    decipher.setAuthTag(sealed.subarray(-16))
    expect(decipher.update(sealed.subarray(0, -16)).toString() + decipher.final('utf8')).toBe('text')
    await expect(crypto.subtle.exportKey('raw', key)).rejects.toThrow()
    await expect(crypto.subtle.exportKey('raw', await generateKey())).rejects.toThrow()
    expect(newSalt()).not.toEqual(newSalt())
  })

  it('E7 options that can not be meant are refused at once, each by its name', async () => {
    const inner = memoryStorage()
    const key = await generateKey()
    const signs = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    const bad: [unknown, RegExp][] = [
      [{}, /^storage: /],
      [{ storage: inner }, /^keys: /],
      [{ storage: inner, keys: { current: 'k2', all: { k1: key } } }, /^keys\.current: /],
      [{ storage: inner, keys: { current: 'k.1', all: { 'k.1': key } } }, /^keys\.all\.k\.1: /],
      [{ storage: inner, keys: { current: 'k1', all: { k1: signs } } }, /^keys\.all\.k1: /],
      [{ storage: inner, keys: { current: 'k1', all: { k1: 'text' } } }, /^keys\.all\.k1: /],
      [{ storage: inner, keys, plaintext: 'keep' }, /^plaintext: /],
    ]
    for (const [options, message] of bad) expect(() => encryptedStorage(options as never)).toThrow(message)
    await expect(keyFromPassphrase('', { salt: newSalt() })).rejects.toThrow(/^passphrase: /)
    await expect(keyFromPassphrase('x', { salt: new Uint8Array(8) })).rejects.toThrow(/^salt: /)
    const clash = (collections: StoreSchema['collections']) =>
      encryptedStorage({ storage: inner, keys }).open({ version: 1, collections })
    await expect(clash({ encryption: { key: 'id', indexes: {} } })).rejects.toThrow(/^encryption: /)
    await expect(clash({ rows: { key: 'sealed', indexes: {} } })).rejects.toThrow(/^sealed: /)
  })

  it('E7 another cipher can be given in place of the keys', async () => {
    const plain = memoryDisk()
    const inverted = (bytes: Uint8Array<ArrayBuffer>) => bytes.map((byte) => 255 - byte)
    const cipher = {
      current: 'c',
      ids: ['c'],
      seal: (_: string, bytes: Uint8Array<ArrayBuffer>) => inverted(bytes),
      open: (_: string, bytes: Uint8Array<ArrayBuffer>) => inverted(bytes),
    }
    const other = encryptedStorage({ storage: memoryStorage({ disk: plain }), cipher })
    await other.open(schema)
    await other.commit([put({ id: 'n1', title: 'x' })])
    expect((await other.get('notes', 'n1'))?.value).toEqual({ id: 'n1', title: 'x' })
    expect(await rowIn(plain, 'notes', 'n1')).not.toHaveProperty('title')
  })
})
