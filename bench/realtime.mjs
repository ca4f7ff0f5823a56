// What a realtime line spares in requests, and how soon a write is seen elsewhere: two engines with stores of their own, over loopback.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createSyncEngine } from 'synchart'
import { webSocketChannel } from 'synchart/realtime/websocket'
import { startServer } from 'synchart/server'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { httpTransport } from 'synchart/transport/http'
import { newPath } from './support.mjs'

const EVERY_MS = 100
const CHANGES = 2

async function open(url, isTold) {
  const engine = createSyncEngine({
    storage: sqliteStorage({ path: newPath() }),
    transport: httpTransport({ baseURL: url }),
    entities: { note: {} },
    pull: { everyMs: EVERY_MS },
    ...(isTold && { realtime: { channel: webSocketChannel({ url: `${url.replace('http', 'ws')}/realtime` }) } }),
  })
  const connected = isTold ? new Promise((resolve) => engine.on('realtime:connected', resolve)) : undefined
  await engine.start()
  await connected
  await engine.synchronize()
  await engine.view('note').list()
  return engine
}

/** Resolves with the time when this note is seen. */
function seen(engine, id) {
  return new Promise((resolve) => {
    const subscription = engine.view('note').changes$.subscribe((changes) => {
      if (!changes.some((change) => change.id === id)) return
      resolve(performance.now())
      queueMicrotask(() => subscription.unsubscribe())
    })
  })
}

/** Requests that the server gets of a reader during this time, while something is changed now and then. */
async function requestsOf(url, isTold, windowMs) {
  const reader = await open(url, isTold)
  let requests = 0
  const count = ({ request }) => void (request.method === 'GET' && (requests += 1))
  subscribe('http.server.request.start', count)
  for (let n = 0; n < CHANGES; n++) {
    await new Promise((resolve) => setTimeout(resolve, windowMs / CHANGES))
    const id = crypto.randomUUID()
    const isSeen = seen(reader, id)
    const headers = { 'content-type': 'application/json', 'idempotency-key': `"${id}"` }
    await fetch(`${url}/note`, { method: 'POST', headers, body: JSON.stringify({ id }) })
    await isSeen
  }
  unsubscribe('http.server.request.start', count)
  await reader.stop()
  return requests
}

async function latencies(url, isTold, count) {
  const [writer, reader] = [await open(url, false), await open(url, isTold)]
  const times = []
  for (let n = 0; n < count; n++) {
    const id = crypto.randomUUID()
    const isSeen = seen(reader, id)
    const start = performance.now()
    await writer.enqueue({ type: 'create', entity: 'note', id, payload: { n } })
    times.push((await isSeen) - start)
  }
  await Promise.all([writer.stop(), reader.stop()])
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share) => sorted[Math.min(count - 1, Math.floor(share * count))]
  return { p50: at(0.5), p99: at(0.99) }
}

export async function benchRealtime(writes, windowMs) {
  const server = await startServer()
  const [polls, told] = [await requestsOf(server.url, false, windowMs), await requestsOf(server.url, true, windowMs)]
  const [byLine, byPolls] = [await latencies(server.url, true, writes), await latencies(server.url, false, Math.ceil(writes / 5))]
  await server.close()
  const compared = ({ p50, p99 }) => `polling every ${EVERY_MS} ms: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms`
  return [
    {
      what: 'requests that a line spares a reader',
      value: 100 * (1 - told / polls),
      unit: '%',
      limit: 90,
      atLeast: true,
      detail: `${told} against ${polls} of polls in ${windowMs / 1_000} s`,
    },
    {
      what: `from a write to the view elsewhere, p50 of ${writes}`,
      value: byLine.p50,
      unit: 'ms',
      limit: 100,
      detail: compared(byPolls),
    },
    { what: 'the same, p99', value: byLine.p99, unit: 'ms', limit: 500 },
  ]
}
