// Something to look at: an engine that writes to a faulty server, and the inspector. `npm run inspect` runs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { execPath, exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import { createSyncEngine } from 'synchart'
import { inspectTo } from 'synchart/devtools'
import { startServer } from 'synchart/server'
import { memoryStorage } from 'synchart/storage/memory'
import { httpTransport } from 'synchart/transport/http'
import { values } from './inspect.options.mjs'

const NOTES = 20
/** Most requests are slow, so that one sees them on their way; one in five fails, before or after its effect. */
const FAULTS = {
  rate: 0.8,
  delayMaxMs: 2_000,
  weights: { delay: 12, 'drop-request': 1, 'drop-response': 1, unavailable: 1, 'error-after': 1 },
}

const command = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
const inspector = spawn(execPath, [command, 'inspect', '--port', String(values.port)], { stdio: ['ignore', 'pipe', 'inherit'] })
const url = await addressIn(inspector.stdout)
if (url === undefined) {
  console.error('The inspector did not start. Give another port, as npm run inspect -- --port 0.')
  exit(1)
}
const server = await startServer({ port: 0, faults: FAULTS })
const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: server.url, timeoutMs: 5_000 }),
  entities: { note: { conflict: 'merge' } },
  breaker: { cooldownMs: 10_000 },
  recorder: {},
})
await engine.start()
const stop = inspectTo(engine, { url })
console.log(`Open ${url}
A note is written every ${values.every} ms, most requests take their time, and one in five fails: the statechart lights up as a note is sent, put off and tried again.
Where the page stands still, see at its top what it waits for. A click on a line of the timeline goes back to it, L to now. Ctrl-C ends it.`)

let written = 0
const timer = setInterval(write, values.every)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(inspector, 'exit')])
clearInterval(timer)
stop()
await engine.stop()
await server.close()
inspector.kill()

function write() {
  const number = written++
  const id = `n${number % NOTES}`
  const payload = { title: `Note ${number}` }
  engine
    .enqueue({ type: number < NOTES ? 'create' : 'update', entity: 'note', id, payload })
    .catch((error) => console.error(error.message))
}

async function addressIn(output) {
  for await (const line of createInterface({ input: output })) {
    const [, address] = /(http:\S+)/.exec(line) ?? []
    if (address !== undefined) return address
  }
}
