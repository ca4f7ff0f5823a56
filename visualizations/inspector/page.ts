import { WIRE_PROTOCOL } from '../../src/devtools/wire.ts'
import { traceLineOf } from '../../src/core/trace-line.ts'
import { mount } from './mount.ts'
import { isEngineStatus } from './status-check.ts'

const inspector = mount(document.body, document.documentElement)
const trace = document.documentElement.dataset['trace'] !== undefined
if (trace) void show()
else connect()

async function show(): Promise<void> {
  try {
    const answer = await fetch('trace')
    if (!answer.ok || answer.body === null) throw new Error(`The trace could not be read (${answer.status}).`)
    await inspector.open(answer.body)
  } catch (error) {
    inspector.say(error instanceof Error ? error.message : String(error))
  }
}

function connect(): void {
  const url = new URL('page', location.href)
  url.protocol = 'ws:'
  const socket = new WebSocket(url, WIRE_PROTOCOL)
  socket.addEventListener('open', () => inspector.say('Waiting for an engine.'))
  socket.addEventListener('message', ({ data }) => receive(JSON.parse(String(data))))
  socket.addEventListener('close', () =>
    inspector.say('The connection to the inspector has ended. What is here stays; load the page again to connect.'),
  )
}

function receive(message: Record<string, unknown>): void {
  const { type, engine = 'engine', lines, status, dropped } = message
  if (typeof engine !== 'string') return
  if (type === 'lines' && Array.isArray(lines)) {
    const missing = typeof dropped === 'number' ? dropped : 0
    inspector.append(
      lines.flatMap((line) => traceLineOf(line) ?? []),
      missing,
    )
    if (missing > 0) inspector.say(`${engine} was too fast: ${missing} lines were left out.`)
  }
  if (type === 'hello') inspector.say(`${engine} is connected.`)
  if (type === 'status' && isEngineStatus(status)) inspector.setStatus(engine, status)
  if (type === 'left') {
    inspector.setStatus(engine, undefined)
    inspector.say(`${engine} has left.`)
  }
}
