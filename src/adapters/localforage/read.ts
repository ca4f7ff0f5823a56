import { HEAD_KEY } from './record.ts'

/**
 * What is under a key; undefined if it alone can't be read. Fails where nothing can be read: that passes, and a row must not be taken for damaged for it,
 * as it would stay so in memory.
 */
export async function readValue(get: (key: string) => Promise<unknown>, key: string): Promise<unknown> {
  try {
    return await get(key)
  } catch {
    await get(HEAD_KEY)
    return get(key).catch(() => undefined)
  }
}
