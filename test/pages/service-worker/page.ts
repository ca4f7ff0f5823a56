import { registerDrain } from '../../../src/adapters/service-worker/index.ts'
import type { SyncError } from '../../../src/index.ts'
import { notesEngine, TAG } from './engine.ts'

const given = new URLSearchParams(location.search)
/** As of an application that knows better than the browser. */
const unreachable = { online: () => false, watch: () => () => {} }
const engine = notesEngine(given.get('network') === 'no' ? { connectivity: unreachable } : {})
const drains: { requests: number }[] = []
const refusals: string[] = []
new BroadcastChannel('drains').onmessage = ({ data }) => void drains.push(data)

if (given.get('worker') !== 'no') {
  await navigator.serviceWorker.register('/sw.js', { type: 'module' })
  await navigator.serviceWorker.ready
}
if (given.get('engine') !== 'no') await engine.start()
const registration = given.get('drain') === 'no' ? undefined : registerDrain(engine, { tag: TAG, onRefused })

function onRefused({ code }: SyncError): void {
  refusals.push(code)
  if (given.get('fails') === 'yes') throw new Error('Nobody can be told.')
}

Object.assign(globalThis, {
  drains,
  refusals,
  registration,
  isReady: true,
  engine,
  enqueue: async (id: string) => (await engine.enqueue({ type: 'create', entity: 'note', id, payload: { title: id } })).id,
  tags: async () => {
    const ready = await navigator.serviceWorker.ready
    return 'sync' in ready ? (ready.sync as { getTags(): Promise<string[]> }).getTags() : []
  },
})
