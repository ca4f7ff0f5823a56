import { createSyncEngine, type EnqueueInput } from 'synchart'
import { webSocketChannel } from 'synchart/realtime/websocket'
import { indexedDbStorage } from 'synchart/storage/indexeddb'
import { httpTransport } from 'synchart/transport/http'

const NOTES = 12

/** Whoever drives the tab is told that this operation is durable. */
declare const enqueued: (key: string) => Promise<void>

const server = new URLSearchParams(location.search).get('server') ?? ''
/** Nothing is merged before it is sent, so that each operation has an end of its own. */
const engine = createSyncEngine({
  storage: indexedDbStorage({ name: 'busy' }),
  transport: httpTransport({ baseURL: server }),
  entities: { note: {} },
  coalesce: false,
  retry: { baseMs: 50, capMs: 500 },
  breaker: { failureThreshold: 1_000 },
  lock: { heartbeatMs: 500, staleMs: 10_000, pollMs: 100 },
  pull: { everyMs: 1_000 },
  realtime: {
    channel: webSocketChannel({ url: `${server.replace('http', 'ws')}/realtime` }),
    retry: { strategy: 'constant', baseMs: 100, capMs: 100, maxAttempts: Infinity },
  },
})
const notes = engine.view('note')

const tell = (news: object): Promise<unknown> => fetch('/told', { method: 'POST', body: JSON.stringify(news) })
let telling: Promise<unknown> = Promise.resolve()

/** Whoever drives the tab can't reach a page that was in the back/forward cache: it writes by itself, and tells what it shows. */
addEventListener('pageshow', ({ persisted }) => {
  const isLoadedAnew = performance
    .getEntriesByType('navigation')
    .some((entry) => 'type' in entry && entry.type === 'back_forward')
  if (persisted || isLoadedAnew) void tell({ cameFromCache: persisted })
  if (!persisted) return
  const keys = Array.from({ length: 8 }, (_, at) => `back-${at}`)
  void write(keys, (enqueued) => tell({ enqueued }))
  // One after the other, so that the last that is told is the newest.
  notes.watch().subscribe(() => {
    telling = telling.then(async () => tell({ view: await shown() }))
  })
})

await engine.start()
await notes.list()

/** Creates, changes and deletes notes that all tabs share; the operations are known by their keys. */
async function write(keys: readonly string[], told: (key: string) => Promise<unknown>): Promise<void> {
  for (const [at, idempotencyKey] of keys.entries()) {
    const id = `n${(at * 5 + idempotencyKey.length) % NOTES}`
    await engine.enqueue({ ...(await inputFor(id, at, idempotencyKey)), entity: 'note', id, idempotencyKey })
    await told(idempotencyKey)
  }
}

async function inputFor(id: string, at: number, title: string): Promise<Pick<EnqueueInput, 'type' | 'payload'>> {
  if ((await notes.get(id)) === undefined) return { type: 'create', payload: { title } }
  return at % 4 === 3 ? { type: 'delete' } : { type: 'update', payload: { title, [`field${at % 3}`]: title } }
}

async function shown(): Promise<object> {
  const seen = await notes.list()
  return Object.fromEntries(seen.map(({ id, value, version, status }) => [id, { ...value, version, status }]))
}

Object.assign(globalThis, {
  engine,
  isReady: true,
  shown,
  write: (keys: readonly string[]) => write(keys, enqueued),
})
