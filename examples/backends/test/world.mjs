import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { after } from 'node:test'
import { createSyncEngine } from '../../../dist/src/index.js'
import { memoryStorage } from '../../../dist/src/adapters/memory.js'

export async function listen(handler) {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${server.address().port}`
}

/** Between an engine and a backend: passes everything on, and loses the answers that it is told to lose, once the backend has given them. */
export async function lossyProxy(target) {
  const seen = []
  let loses = () => false
  let before = async () => {}
  const url = await listen(async (incoming, outgoing) => {
    await before()
    const { method, url: path, headers } = incoming
    const passed = request(target + path, { method, headers }, (answer) => {
      const entry = { method, path, status: answer.statusCode }
      seen.push(entry)
      if (loses(entry, seen)) {
        answer.resume()
        return answer.on('end', () => outgoing.destroy())
      }
      outgoing.writeHead(answer.statusCode, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  return {
    url,
    seen,
    /** What each request waits for. */
    before(task) {
      before = task
    },
    /** The first answer to each write. */
    loseFirstAnswers() {
      loses = ({ method, path }, all) =>
        method !== 'GET' && all.filter((one) => one.method === method && one.path === path).length === 1
    },
  }
}

export async function startEngine(transport, options = {}) {
  const engine = createSyncEngine({
    storage: memoryStorage(),
    transport,
    entities: { note: {} },
    retry: { strategy: 'constant', baseMs: 10, maxAttempts: 5 },
    ...options,
  })
  await engine.start()
  after(() => engine.stop())
  return engine
}

export async function settled(engine, input) {
  const operation = await engine.enqueue({ entity: 'note', ...input })
  return (await operation.settled).status
}
