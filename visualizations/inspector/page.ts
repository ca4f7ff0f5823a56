import { WIRE_PROTOCOL } from '../../src/devtools/wire.ts'
import { isTraceLine } from '../../src/core/trace-line.ts'
import { mount } from './mount.ts'

const inspector = mount(document.body)
const trace = document.documentElement.dataset['trace'] !== undefined
if (trace) void show()
else connect()

async function show(): Promise<void> {
  try {
    const answer = await fetch('trace')
    if (!answer.ok) throw new Error(`The trace could not be read (${answer.status}).`)
    inspector.open(await answer.text())
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
  if (type === 'lines' && Array.isArray(lines)) inspector.append(lines.filter(isTraceLine))
  if (type === 'lines' && typeof dropped === 'number' && dropped > 0)
    inspector.say(`${engine} was too fast: ${dropped} lines were left out.`)
  if (type === 'hello') inspector.say(`${engine} is connected.`)
  if (type === 'status' && isStatus(status)) inspector.setStatus(engine, status)
  if (type === 'left') {
    inspector.setStatus(engine, undefined)
    inspector.say(`${engine} has left.`)
  }
}

type Status = NonNullable<Parameters<typeof inspector.setStatus>[1]>

function isStatus(value: unknown): value is Status {
  if (typeof value !== 'object' || value === null) return false
  return ['totals', 'queue', 'conflicts'].every((name) => Array.isArray(Reflect.get(value, name)))
}
