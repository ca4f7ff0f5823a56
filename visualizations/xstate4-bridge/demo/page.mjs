// An application whose engine is shown in the frame beside it. The engine is `engine` in the console.
import { createDevTools, inspect } from '@xstate/inspect'
import { createSyncEngine } from '../../../dist/src/index.js'
import { memoryStorage } from '../../../dist/src/adapters/memory.js'
import { httpTransport } from '../../../dist/src/adapters/http/index.js'
import { webSocketChannel } from '../../../dist/src/adapters/websocket/index.js'
import { createBridge } from '../bridge.mjs'

const query = new URLSearchParams(location.search)
const server = query.get('server')
const auth = { token: async () => 'token-of-the-demo' }
const refs = new Set()

const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: server, auth }),
  entities: { note: { conflict: 'manual' } },
  realtime: { channel: webSocketChannel({ url: `${server.replace('http', 'ws')}/realtime`, auth }) },
  recorder: {},
  inspect: ({ actorRef }) => void refs.add(actorRef),
})

const iframe = document.createElement('iframe')
document.body.append(iframe)
const devTools = createDevTools()
const inspector = inspect({ devTools, iframe, url: new URL(query.get('viewer') ?? '/viewer', location.href).href })
engine.recorder.watch(createBridge(devTools))
// Only to see it from its first event on: who comes later is told where everything is.
await new Promise((resolve) => void inspector.subscribe((state) => state.matches('connected') && resolve()))
await engine.start()

let written = 0
const everyMs = Number(query.get('every') ?? 0)
if (everyMs > 0) setInterval(write, everyMs)

function write() {
  const number = written++
  const type = number < 20 ? 'create' : 'update'
  engine.enqueue({ type, entity: 'note', id: `n${number % 20}`, payload: { title: `Note ${number}` } }).catch(console.error)
}

Object.assign(globalThis, { engine, actors: refs, isReady: true })
