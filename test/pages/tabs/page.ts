import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { httpTransport } from '../../../src/adapters/http/index.ts'
import { createSyncEngine } from '../../../src/index.ts'

/** A lease that is stale after 10 minutes: what is quicker in a test comes by presence or release. */
const engine = createSyncEngine({
  storage: indexedDbStorage({ name: 'notes' }),
  transport: httpTransport({ baseURL: `${location.origin}/api` }),
  entities: { note: {} },
  lock: { heartbeatMs: 1_000, staleMs: 600_000, pollMs: 60_000 },
})
const happened: string[] = []
for (const type of ['pageshow', 'pagehide'] as const)
  addEventListener(type, ({ persisted }) => void happened.push(`${type} ${persisted ? 'persisted' : 'for good'}`))
for (const type of ['freeze', 'resume']) document.addEventListener(type, () => void happened.push(type))
engine.on('lock:*', ({ type }) => void happened.push(type))
/** Wall-clock time, which all tabs share. */
let ownsSince: number | undefined
engine.on('lock:acquired', () => (ownsSince = performance.timeOrigin + performance.now()))
await engine.start()

async function save(id: string): Promise<string> {
  const { settled } = await engine.enqueue({ type: 'create', entity: 'note', id, payload: {} })
  return (await settled).status
}

/** Whoever drives the tab can't reach a page that was in the back/forward cache: it does by itself what is to be seen. */
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) void saveAndTell()
})

/** Tells once more when it has looked at its lease: its successor may be done with the note before that. */
async function saveAndTell(): Promise<void> {
  const status = await save('back')
  const tell = (): Promise<unknown> =>
    fetch('/told', { method: 'POST', body: JSON.stringify({ status, happened, lock: engine.metrics().lock }) })
  engine.on('lock:lost', () => void tell())
  await tell()
}

Object.assign(globalThis, {
  happened,
  engine,
  isReady: true,
  ownsSince: () => ownsSince,
  save,
})
