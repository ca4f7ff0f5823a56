import { createServer } from 'node:http'
import { memoryStorage } from '../../dist/src/adapters/memory.js'
import { eventSourceChannel } from '../../dist/src/adapters/sse/index.js'
import { webSocketChannel } from '../../dist/src/adapters/websocket/index.js'
import { WebSocketServer } from 'ws'
import { draw, frame } from './values.mjs'
import { engineOn, wrongs } from './world.mjs'

/** Frames that a hostile server sends over lines that are real: half of them over WebSocket, half over Server-Sent Events. */
export async function fuzzLines(seed, size, isAt) {
  const all = draw(frame, size, seed)
  const half = Math.ceil(size / 2)
  const found = await overLine(all.slice(0, half), serveSockets, isAt)
  return [...found, ...(await overLine(all.slice(half), serveEvents, (at) => isAt(half + at)))]
}

/** Each connection goes on where the last one broke. */
async function overLine(frames, serve, isAt) {
  let at = 0
  let sent
  const allSent = new Promise((resolve) => {
    sent = resolve
  })
  const next = () => {
    isAt(at)
    if (at >= frames.length) sent()
    return frames[at++]
  }
  const { channel, close } = await serve(next)
  // A line that is refused twice is left alone, for this long.
  const realtime = { channel, fallbackMs: 5, retry: { strategy: 'constant', baseMs: 1, capMs: 1, maxAttempts: 1_000 } }
  const engine = engineOn(memoryStorage(), undefined, { realtime })
  await engine.start()
  engine.enableRealtime()
  const { settled } = await engine.enqueue({ type: 'create', entity: 'task', id: 'after', payload: {} })
  const found = await wrongs({ sent: () => allSent, settled: () => settled })
  found.push(...(await wrongs({ stop: () => engine.stop() })))
  await close()
  return found
}

async function serveSockets(next) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await new Promise((resolve) => server.once('listening', resolve))
  server.on('connection', (socket) => {
    socket.on('error', () => undefined)
    const sendNext = () => {
      if (socket.readyState !== socket.OPEN) return
      const data = next()
      if (data !== undefined) socket.send(data, { binary: data instanceof Uint8Array }, () => setImmediate(sendNext))
    }
    sendNext()
  })
  const close = () => {
    for (const socket of server.clients) socket.terminate()
    return new Promise((resolve) => server.close(resolve))
  }
  return { channel: webSocketChannel({ url: `ws://127.0.0.1:${server.address().port}` }), close }
}

async function serveEvents(next) {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const sendNext = () => {
      if (response.destroyed) return
      const data = next()
      if (data !== undefined) response.write(data, () => setImmediate(sendNext))
    }
    response.on('error', () => undefined)
    response.flushHeaders()
    sendNext()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { channel: eventSourceChannel({ url: `http://127.0.0.1:${server.address().port}` }), close }
}
