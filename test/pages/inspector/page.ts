import type { InspectionEvent } from 'xstate'
import { mountInspector } from 'synchart/devtools'
import { memoryStorage } from 'synchart/storage/memory'
import { httpTransport } from 'synchart/transport/http'
import { createSyncEngine } from 'synchart'

/** An application that shows its own engine. */
const refs = new Set<InspectionEvent['actorRef']>()
const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: `${location.origin}/api` }),
  entities: { note: {} },
  recorder: {},
  inspect: (event) => void refs.add(event.actorRef),
})
const host = document.createElement('div')
host.style.height = '700px'
document.body.append(host)
const close = mountInspector(engine, host)
await engine.start()

function values(): readonly (readonly [string, unknown])[] {
  return [...refs].flatMap((ref) => {
    const snapshot = ref.getSnapshot() as { status: string; value?: unknown; machine?: { id: string } }
    return snapshot.status === 'active' && snapshot.machine !== undefined ? [[snapshot.machine.id, snapshot.value] as const] : []
  })
}

Object.assign(globalThis, {
  engine,
  values,
  close,
  save: async (id: string, payload: object) =>
    (await (await engine.enqueue({ type: 'create', entity: 'note', id, payload })).settled).status,
  isReady: true,
})
