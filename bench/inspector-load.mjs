// An engine in a process of its own that records so many lines a second, and tells them to an inspector: url, lines a second, seconds.
import { createSyncEngine } from 'synchart'
import { inspectTo } from 'synchart/devtools'
import { memoryStorage } from 'synchart/storage/memory'
import { instantTransport, payload } from './support.mjs'

const [url, linesPerSecond, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const TURN_MS = 20
const ENTITIES = 200

const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: instantTransport(),
  entities: { note: {} },
  recorder: { maxBytes: 1_048_576 },
})
await engine.start()
let lines = 0
engine.recorder.watch(() => (lines += 1))
const stop = inspectTo(engine, { url, name: 'busy' })
await engine.enqueue({ type: 'update', entity: 'note', id: 'n0', payload: payload(0) })
console.log('ready')

const begun = [performance.now(), lines]
let written = 0
while (performance.now() - begun[0] < seconds * 1_000) {
  const owed = ((performance.now() - begun[0]) / 1_000) * linesPerSecond - (lines - begun[1])
  const batch = Array.from({ length: Math.min(200, Math.ceil(owed / 20)) }, () => {
    const number = written++
    return { type: 'update', entity: 'note', id: `n${number % ENTITIES}`, payload: payload(number) }
  })
  if (owed > 0) await engine.enqueueAll(batch)
  await new Promise((resolve) => setTimeout(resolve, TURN_MS))
}
console.log(JSON.stringify({ lines: lines - begun[1], seconds: (performance.now() - begun[0]) / 1_000 }))
stop()
await engine.stop()
