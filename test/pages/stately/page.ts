import { createBrowserInspector } from '@statelyai/inspect'
import { createSyncEngine } from 'synchart'
import { attachInspector } from 'synchart/devtools/stately'
import { webSocketChannel } from 'synchart/realtime/websocket'
import { memoryStorage } from 'synchart/storage/memory'
import { httpTransport } from 'synchart/transport/http'
import type { InspectionEvent } from 'xstate'

/** An application that attaches Stately's inspector, whose viewer is another page of this server. */
const query = new URLSearchParams(location.search)
const canary = query.get('canary') ?? ''
const auth = { token: async () => `${canary}-token` }
const refs = new Set<InspectionEvent['actorRef']>()
const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: `${location.origin}/api`, auth, headers: { 'X-Canary': canary } }),
  entities: { note: { conflict: 'manual' } },
  realtime: { channel: webSocketChannel({ url: `${query.get('server')?.replace('http', 'ws')}/realtime`, auth }) },
  recorder: {},
  inspect: (event) => void refs.add(event.actorRef),
})
const iframe = document.createElement('iframe')
document.body.append(iframe)
const inspector = createBrowserInspector({ iframe, url: `${location.origin}/viewer`, maxDeferredEvents: 10_000 })
const attach = (name: string): (() => void) => attachInspector(engine, inspector, { name })
const end = attach('tab')
await engine.start()

/** Live machines by their own snapshots. */
function values(): readonly string[] {
  return [...refs].flatMap((ref) => {
    const snapshot = ref.getSnapshot() as { status: string; value?: unknown; machine?: { id: string } }
    return snapshot.status === 'active' && snapshot.machine !== undefined
      ? [`${snapshot.machine.id} ${JSON.stringify(snapshot.value)}`]
      : []
  })
}

async function elsewhere(id: string, title: string): Promise<void> {
  const headers = { 'content-type': 'application/merge-patch+json', 'idempotency-key': `"${crypto.randomUUID()}"` }
  await fetch(`/api/note/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ title }) })
}

/** Two people change a note at the same time. */
async function disagree(): Promise<string> {
  const id = `${canary}-id`
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id, payload: { title: canary } })
  ).settled
  engine.pause('test')
  const { settled } = await engine.enqueue({
    type: 'update',
    entity: 'note',
    id,
    payload: { title: `${canary} here`, [canary]: canary },
    idempotencyKey: canary,
  })
  await elsewhere(id, `${canary} there`)
  const parked = new Promise<void>((resolve) => void engine.on('sync:parked', () => resolve()))
  engine.resume('test')
  await parked
  const [conflict] = await engine.conflicts.list()
  await engine.conflicts.resolve(conflict?.id ?? '', { value: { id, title: `${canary} both` } })
  return (await settled).status
}

Object.assign(globalThis, { engine, values, disagree, attach, end, isReady: true })
