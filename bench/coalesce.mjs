import { readFile } from 'node:fs/promises'
import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { instantTransport, newPath } from './support.mjs'

/** How many requests the coalescer saves when real work was queued offline; `waves` is how often the device came online meanwhile. */
export async function benchCoalesce(file) {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const results = []
  for (const waves of [1, 10, 100]) {
    const requests = await requestsFor(lines, waves)
    results.push({
      what: `coalescing ${lines.length} writes, online ${waves} time${waves === 1 ? '' : 's'}`,
      value: 100 * (1 - requests / lines.length),
      unit: '% fewer requests',
      limit: 20,
      atLeast: true,
      detail: `${requests} requests`,
    })
  }
  return results
}

async function requestsFor(lines, waves) {
  const engine = createSyncEngine({
    storage: sqliteStorage({ path: newPath() }),
    transport: instantTransport(),
    entities: { file: {} },
  })
  await engine.start()
  const size = Math.ceil(lines.length / waves)
  for (let from = 0; from < lines.length; from += size) {
    engine.pause('offline')
    await Promise.all(lines.slice(from, from + size).map((line) => engine.enqueue(operationOf(JSON.parse(line)))))
    engine.resume('offline')
    await engine.flush()
  }
  const { requests } = engine.metrics()
  await engine.stop()
  return requests
}

function operationOf({ type, entity, id, payload }) {
  return type === 'delete' ? { type, entity, id } : { type, entity, id, payload }
}
