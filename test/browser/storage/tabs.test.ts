import { afterEach, describe, expect, it } from 'vitest'
import { readAll, schema } from '../../adapters/storage-world.ts'
import { countTogether, ROUNDS, storageOf } from './pages/count-together.ts'

interface TabMessage {
  readonly id: string
  readonly result: string
  readonly holder?: string
}

/** Real tabs, without an opener, so that the browser gives each a process of its own. */
describe.each(['indexeddb', 'localstorage'])('tabs that share a store in %s', (kind) => {
  let channel: BroadcastChannel | undefined
  afterEach(() => {
    channel?.postMessage('close')
    channel?.close()
  })

  function next(result: string, count: number): Promise<TabMessage[]> {
    const messages: TabMessage[] = []
    return new Promise((resolve, reject) => {
      channel?.addEventListener('message', ({ data }: MessageEvent<TabMessage>) => {
        if (data.result.startsWith('failed')) reject(new Error(data.result))
        if (data.result === result && messages.push(data) === count) resolve(messages)
      })
    })
  }

  async function openTabs(name: string, ids: readonly string[]): Promise<TabMessage[]> {
    channel = new BroadcastChannel(`tabs-${name}`)
    const ready = next('ready', ids.length)
    for (const id of ids) {
      const script = new URL('./pages/tab.ts', import.meta.url).pathname
      const query = new URLSearchParams({ script, channel: `tabs-${name}`, kind, name, id })
      window.open(`${new URL('./pages/tab.html', import.meta.url).pathname}?${query}`, '_blank', 'noopener')
    }
    return ready
  }

  it('C6 S10 E1 lose no update of each other and use no key twice', async () => {
    const name = `tabs-${crypto.randomUUID()}`
    await openTabs(name, ['tab1', 'tab2'])
    const counted = next('counted', 2)
    channel?.postMessage('count')
    const storage = storageOf(kind, name)
    await countTogether(storage, 'this')
    await counted
    await storage.open(schema)
    expect(await storage.get('notes', 'counter')).toMatchObject({ value: { count: 3 * ROUNDS } })
    const operations = (await readAll(storage, 'operations')).map((entry) => entry.value as { id: string })
    expect(new Set(operations.map((row) => row.id)).size).toBe(3 * ROUNDS)
    await storage.close()
  })

  it("L2 L5 hear of each other's commits, and of a tab's end", async () => {
    const name = `tabs-${crypto.randomUUID()}`
    const storage = storageOf(kind, name)
    await storage.open(schema)
    const told = new Promise<void>((resolve) => void storage.watch(() => resolve()))
    const [tab] = await openTabs(name, ['tab1'])
    channel?.postMessage('count')
    await told
    const gone = storage.presence?.whenGone(tab!.holder!, new AbortController().signal)
    channel?.postMessage('close')
    await gone
    expect((await readAll(storage, 'operations')).length).toBeGreaterThan(0)
    await storage.close()
  })
})
