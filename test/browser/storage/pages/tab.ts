import { countTogether, storageOf } from './count-together.ts'

/** A tab of its own, which does as it is told over a BroadcastChannel and says when it has done it. */
const given = new URLSearchParams(location.search)
const channel = new BroadcastChannel(given.get('channel')!)
const storage = storageOf(given.get('kind')!, given.get('name')!)
const announced = await storage.presence!.announce()
channel.onmessage = async ({ data }) => {
  if (data === 'close') return window.close()
  if (data !== 'count') return
  const result = await countTogether(storage, given.get('id')!).then(
    () => 'counted',
    (error: unknown) => `failed: ${String(error)}`,
  )
  channel.postMessage({ id: given.get('id'), result })
}
channel.postMessage({ id: given.get('id'), result: 'ready', holder: announced.holder })
