import { createSyncEngine, SyncError } from 'synchart'
import { registerDrain } from 'synchart/service-worker'
import { browserStorage } from 'synchart/storage/browser'
import { httpTransport } from 'synchart/transport/http'

const engine = createSyncEngine({
  storage: browserStorage({ name: 'notes' }),
  transport: httpTransport({ baseURL: 'http://127.0.0.1:9' }),
  entities: { note: {} },
})

function drain(): string {
  try {
    return registerDrain(engine, { tag: 'notes' }).supported ? 'supported' : 'not supported'
  } catch (error) {
    return String(error)
  }
}

const started = await engine.start().then(
  () => 'started',
  (error: unknown) => (error instanceof SyncError ? error.code : String(error)),
)
await engine.stop()
parent.postMessage({ started, drain: drain() }, '*')
