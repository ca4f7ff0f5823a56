import type { WebSocket } from 'ws'
import { isRecord } from '../core/schema.ts'
import { traceLineOf } from '../core/trace-line.ts'
import { ofEngine } from '../core/trace-names.ts'
import { createTraceRing } from '../core/trace-ring.ts'
import { advanceTraced, type Traced } from '../core/trace-alerts.ts'
import type { TraceLine } from '../core/trace.ts'
import { createPages, type Teller } from './inspect-pages.ts'

/** Of what engines have told: who opens a page later sees it too. */
const KEPT_BYTES = 16 * 1_048_576
const MAX_NAME = 40
/** More than any status has. What is nested much deeper can be read, but no text be made of it again. */
const MAX_DEPTH = 32

/** Passes on what engines tell to every page, under names that tell the engines apart. */
export function createHub() {
  const pages = createPages()
  const present = new Set<Teller>()
  const ring = createTraceRing(KEPT_BYTES)
  let engines = 0

  function addEngine(socket: WebSocket): void {
    const number = ++engines
    const prefix = `e${number}:`
    const now: Traced = { actors: new Map(), alerts: new Map() }
    const teller = { ...now, name: `engine ${number}`, lastAt: 0, status: undefined as unknown }
    present.add(teller)

    function hear({ type, name, lines, status, dropped }: Record<string, unknown>): void {
      if (type === 'hello' && typeof name === 'string') {
        teller.name = nameOf(name.slice(0, MAX_NAME), number)
        pages.tell({ type: 'hello', engine: teller.name })
      } else if (type === 'status' && isShallow(status, MAX_DEPTH)) {
        teller.status = status
        pages.status(teller)
      } else if (type === 'lines' && Array.isArray(lines)) {
        const known = lines.flatMap((line) => traceLineOf(line) ?? []).map((line) => ofEngine(line, teller.name, prefix))
        take(known, typeof dropped === 'number' ? dropped : 0)
      } else socket.close(1_003)
    }

    function take(lines: readonly TraceLine[], missing: number): void {
      pages.lines(teller, lines, missing)
      for (const line of lines) {
        ring.add(line)
        advanceTraced(now, line)
      }
      teller.lastAt = lines.at(-1)?.at ?? teller.lastAt
    }

    socket.on('message', (data, isBinary) => {
      const message = isBinary || !Buffer.isBuffer(data) ? undefined : parsed(data.toString())
      if (isRecord(message)) hear(message)
      else socket.close(1_003)
    })
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      present.delete(teller)
      teller.status = undefined
      take(
        [...now.actors.keys()].map((actor): TraceLine => ({ type: 'state', at: teller.lastAt, actor, status: 'stopped' })),
        0,
      )
      pages.tell({ type: 'left', engine: teller.name })
    })
  }

  return { addPage: (socket: WebSocket): void => pages.add(socket, ring.lines(), present), addEngine }
}

/** No two are alike: of all but the first the number is at the end, and of that if there is one. */
function nameOf(name: string, number: number): string {
  return number === 1 && !/ \d+$/.test(name) ? name : `${name} ${number}`
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((part) => isShallow(part, depth - 1))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
