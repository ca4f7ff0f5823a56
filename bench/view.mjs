import { createSyncEngine } from 'synchart'
import { memoryStorage } from 'synchart/storage/memory'
import { instantTransport, median, payload } from './support.mjs'

const PENDING = 1_000
const UPDATES = 200

/** Milliseconds until the view shows an update that was enqueued, and those until enqueue resolves, with so many entities. */
async function updatesWith(count) {
  const changes = Array.from({ length: count }, (_, n) => ({ id: `n${n}`, version: '1', value: { id: `n${n}`, ...payload(n) } }))
  const transport = {
    ...instantTransport(),
    pull: async () => ({ type: 'page', changes, unusable: [], cursor: 'end', hasMore: false }),
  }
  const engine = createSyncEngine({ storage: memoryStorage(), transport, entities: { note: {} }, coalesce: false })
  await engine.start()
  await engine.synchronize()
  engine.pause('bench')
  const notes = engine.view('note')
  await notes.list()
  const update = (n, position) => engine.enqueue({ type: 'update', entity: 'note', id: `n${n % count}`, payload: { position } })
  await Promise.all(Array.from({ length: PENDING }, (_, n) => update(n, -1)))
  const shown = []
  for (let n = 0; n < UPDATES; n++) {
    const start = performance.now()
    const seen = new Promise((resolve) => {
      const subscription = notes.changes$.subscribe(() => {
        shown.push(performance.now() - start)
        resolve(subscription)
      })
    })
    await update(n * 7, n)
    ;(await seen).unsubscribe()
  }
  await engine.stop()
  return median(shown)
}

/** From enqueue to the view, by the number of entities. */
export async function benchView(counts) {
  const results = []
  for (const count of counts) {
    const ms = await updatesWith(count)
    results.push({ what: `enqueue to view, ${count} entities, ${PENDING} pending`, value: ms, unit: 'ms', limit: 1 })
  }
  results.push({
    what: `the same with ${counts.at(-1)} against ${counts[0]} entities`,
    value: results.at(-1).value / results[0].value,
    unit: '×',
    // Of some 50 µs: what is left is the memory's caches.
    limit: 3,
  })
  return results
}
