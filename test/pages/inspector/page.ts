import type { InspectionEvent } from 'xstate'
import { seededRandom } from '../../../scripts/random.mjs'
import { watchInstants } from '../../devtools/instants.ts'
import { mountInspector } from 'synchart/devtools'
import { memoryStorage } from 'synchart/storage/memory'
import { httpTransport } from 'synchart/transport/http'
import { createSyncEngine, SyncError, ValidationError } from 'synchart'

/** An application that shows its own engine. */
const refs = new Set<InspectionEvent['actorRef']>()
const watch = watchInstants()
const random = seededRandom(Number(new URLSearchParams(location.search).get('seed')))
const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: `${location.origin}/api` }),
  entities: { note: {} },
  recorder: { maxBytes: 16 * 1_048_576 },
  retry: { strategy: 'constant', baseMs: 20 },
  breaker: { failureThreshold: 1_000 },
  inspect(event) {
    refs.add(event.actorRef)
    watch.inspect(event)
  },
})
watch.follow(engine)
engine.on('*', () => {
  if (random() < 0.5) queueMicrotask(watch.take)
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

const save = async (id: string, payload: object): Promise<string> =>
  (await (await engine.enqueue({ type: 'create', entity: 'note', id, payload })).settled).status

/** Resolves when it was enqueued, or when its first attempt has failed; `saved` tells how it ended. */
async function begin(id: string, fails: boolean): Promise<void> {
  const told = new Promise((heard) => engine.on(fails ? 'sync:retry' : 'sync:queued', heard))
  Object.assign(globalThis, { saved: save(id, {}) })
  await told
}

/** What is left of an element in which an engine without a recorder was to be shown. */
function mountUnrecorded(): string {
  const unrecorded = createSyncEngine({
    storage: memoryStorage(),
    transport: httpTransport({ baseURL: `${location.origin}/api` }),
    entities: { note: {} },
  })
  const element = document.createElement('div')
  element.innerHTML = '<p>own</p>'
  try {
    mountInspector(unrecorded, element)
    return 'mounted'
  } catch (error) {
    const code = error instanceof SyncError ? error.code : 'unknown'
    return `${code}: ${element.innerHTML}, ${document.adoptedStyleSheets.length} sheet`
  }
}

function wrongIn(call: () => unknown): string {
  try {
    call()
    return 'nothing'
  } catch (error) {
    return error instanceof ValidationError ? error.message : String(error)
  }
}

Object.assign(globalThis, {
  engine,
  mountInspector,
  mountUnrecorded,
  wrongIn,
  values,
  close,
  begin,
  save,
  instants: () => ({ instants: watch.instants, lines: watch.lines }),
  isReady: true,
})
