import type { WebSocket } from 'ws'
import { isTraceLine } from '../core/trace-line.ts'
import { ofEngine } from '../core/trace-names.ts'
import { traceBytes } from '../core/trace-size.ts'
import { createTraceRing } from '../core/trace-text.ts'
import type { TraceLine } from '../core/trace.ts'
import { isRecord } from '../core/schema.ts'

/** Of what engines have told: who opens a page later sees it too. */
const KEPT_BYTES = 16 * 1_048_576
/** A page that takes in less than comes is left out of what follows until it has. */
const MAX_BUFFERED_BYTES = 8 * 1_048_576
const MAX_LINES = 2_000
const MAX_NAME = 40

/** Passes on what engines tell to every page, under names that tell the engines apart. */
export function createHub() {
  const pages = new Map<WebSocket, { dropped: number }>()
  const present = new Set<string>()
  const ring = createTraceRing(KEPT_BYTES, traceBytes)
  let engines = 0

  function tell(message: object): void {
    const text = JSON.stringify(message)
    for (const page of pages.keys()) page.send(text)
  }

  function tellLines(engine: string, lines: readonly TraceLine[], missing: number): void {
    for (const [page, state] of pages) {
      state.dropped += missing
      if (page.bufferedAmount > MAX_BUFFERED_BYTES) {
        state.dropped += lines.length
        continue
      }
      page.send(JSON.stringify({ type: 'lines', engine, lines, dropped: state.dropped }))
      state.dropped = 0
    }
  }

  function addPage(page: WebSocket): void {
    const lines = ring.lines()
    for (let at = 0; at < lines.length; at += MAX_LINES)
      page.send(JSON.stringify({ type: 'lines', lines: lines.slice(at, at + MAX_LINES) }))
    for (const engine of present) page.send(JSON.stringify({ type: 'hello', engine }))
    pages.set(page, { dropped: 0 })
    page.on('close', () => pages.delete(page))
    page.on('error', () => page.terminate())
    page.on('message', () => page.close(1_003))
  }

  function addEngine(socket: WebSocket): void {
    const number = ++engines
    const prefix = `e${number}:`
    let engine = `engine ${number}`
    const actors = new Set<string>()

    function hear(message: Record<string, unknown>): void {
      const { type, name, lines, status, dropped } = message
      if (type === 'hello' && typeof name === 'string') {
        engine = number === 1 ? name.slice(0, MAX_NAME) : `${name.slice(0, MAX_NAME)} ${number}`
        present.add(engine)
        tell({ type: 'hello', engine })
      } else if (type === 'status') tell({ type: 'status', engine, status })
      else if (type === 'lines' && Array.isArray(lines)) {
        const known = lines.filter(isTraceLine).map((line) => ofEngine(line, engine, prefix))
        for (const line of known) {
          ring.add(line)
          if (line.type === 'actor') actors.add(line.actor)
        }
        tellLines(engine, known, typeof dropped === 'number' ? dropped : 0)
      } else socket.close(1_003)
    }

    socket.on('message', (data, isBinary) => {
      const message = isBinary || !Buffer.isBuffer(data) ? undefined : parsed(data.toString())
      if (isRecord(message)) hear(message)
      else socket.close(1_003)
    })
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      present.delete(engine)
      const last = ring.lastAt()
      const gone = [...actors].map((actor): TraceLine => ({ type: 'state', at: last, actor, status: 'stopped' }))
      for (const line of gone) ring.add(line)
      tellLines(engine, gone, 0)
      tell({ type: 'left', engine })
    })
  }

  return { addPage, addEngine }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
