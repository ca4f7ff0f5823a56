import { encryptedStorage, generateKey, type EncryptedStorage, type KeyRing } from '../../../src/adapters/encrypted/index.ts'
import type { StorageWorld } from '../storage-contract.ts'

/** Keys by these ids; the last one is the current. */
export async function newKeys(...ids: readonly string[]): Promise<KeyRing> {
  const all = Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await generateKey()] as const)))
  return { current: ids.at(-1) ?? '', all }
}

/** The same world with the wrapper around each of its handles, all with the same keys. */
export async function encryptedWorld(makeWorld: () => Promise<StorageWorld>): Promise<StorageWorld> {
  const [world, keys] = await Promise.all([makeWorld(), newKeys('k1')])
  return { ...world, handle: (): EncryptedStorage => encryptedStorage({ storage: world.handle(), keys }) }
}
