// An engine on a store that others have died on. Enqueues for ever and drains meanwhile; prints `ready`, and `+key` for each
// operation whose enqueue was acknowledged. With `--finish` it enqueues nothing, drains what is there, and prints what did not end well.
import { writeSync } from 'node:fs'
import { argv } from 'node:process'
import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { httpTransport } from 'synchart/transport/http'

const [, , path, url, name, run] = argv
const engine = createSyncEngine({
  storage: sqliteStorage({ path, watchMs: 20 }),
  transport: httpTransport({ baseURL: url }),
  entities: { note: {} },
  concurrency: 4,
  retry: { strategy: 'constant', baseMs: 10, maxAttempts: 1_000_000 },
  breaker: { failureThreshold: 100_000 },
  lock: { heartbeatMs: 200, staleMs: 60_000, pollMs: 50 },
  retention: { completedCount: 1_000_000 },
  audit: { keepCount: 10_000_000 },
})
await engine.start()
writeSync(1, 'ready\n')
if (run === '--finish') await finish()
else await enqueueForEver()

/** Every update sets a field of its own, so the server's state tells which of them arrived. */
async function enqueueForEver() {
  for (let n = 0; ; n++) {
    const id = `${name}-${n % 7}`
    if (n < 7) await engine.enqueue({ type: 'create', entity: 'note', id, payload: {}, idempotencyKey: `create-${id}` })
    const key = `${run}.${n}`
    const priority = n % 5 === 0 ? 'high' : 'medium'
    await engine.enqueue({ type: 'update', entity: 'note', id, payload: { [key]: n }, idempotencyKey: key, priority })
    writeSync(1, `+${key}\n`)
  }
}

async function finish() {
  for (;;) {
    const moved = new Promise((resolve) => {
      const stop = engine.on('*', () => resolve(stop()))
    })
    if ((await engine.operations.count('live')) === (await engine.operations.count('parked'))) break
    await moved
  }
  const troubled = await engine.operations.list({ status: ['rejected', 'parked'], limit: 1_000 })
  for (const { idempotencyKey, status, lastError } of troubled)
    writeSync(1, `${status} ${idempotencyKey} ${lastError?.message}\n`)
  await engine.stop()
}
