import { describe, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { localforageStorage } from '../../../src/adapters/localforage/index.ts'
import { readAll, schema } from '../../adapters/storage-world.ts'

/** Lets a worker commit batches and terminates it, without warning, some way after its n-th acknowledgement. */
async function killAfter(kind: string, name: string, acknowledgements: number): Promise<number[]> {
  const url = new URL('./workers/committer.ts', import.meta.url)
  const worker = new Worker(`${url}${url.search ? '&' : '?'}name=${name}&kind=${kind}`, { type: 'module' })
  const acknowledged: number[] = []
  await new Promise<void>((enough, failed) => {
    worker.addEventListener('error', (event) => failed(new Error(event.message)))
    worker.addEventListener('message', ({ data }) => {
      acknowledged.push(data.batch)
      if (acknowledged.length === acknowledgements) enough()
    })
  })
  worker.terminate()
  return acknowledged
}

describe.each([
  ['indexeddb', (name: string) => indexedDbStorage({ name })],
  ['localforage', (name: string) => localforageStorage({ name, driver: 'INDEXEDDB' })],
] as const)('a worker that the browser kills while it commits to %s', (kind, make) => {
  it('S1 S2 leaves every acknowledged commit, and each other commit whole or not at all', async () => {
    for (let run = 1; run <= 4; run++) {
      const name = `killed-${crypto.randomUUID()}`
      const acknowledged = await killAfter(kind, name, run * 2)
      const storage = make(name)
      await storage.open(schema)
      const sizes = new Map<string, number>()
      for (const { value } of await readAll(storage, 'operations')) {
        const { lane } = value as { lane: string }
        sizes.set(lane, (sizes.get(lane) ?? 0) + 1)
      }
      for (const batch of acknowledged) expect(sizes.get(`batch${batch}`)).toBe(20)
      expect(new Set(sizes.values())).toEqual(new Set([20]))
      await storage.close()
    }
  })
})
