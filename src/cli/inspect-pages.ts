import type { WebSocket } from 'ws'
import type { Traced } from '../core/trace-alerts.ts'
import type { TraceLine } from '../core/trace.ts'
import { createGap } from '../devtools/gap.ts'

/** What an engine has told last: for pages that come later, and for those that could not take it. */
export interface Teller extends Traced {
  readonly name: string
  readonly lastAt: number
  readonly status: unknown
}

/** A page that takes in less than comes is left out of what follows until it has. */
const MAX_BUFFERED_BYTES = 8 * 1_048_576
const MAX_LINES = 2_000

interface Page {
  /** What an engine told while there was no room; told again when there is. */
  readonly behind: Map<Teller, ReturnType<typeof createGap>>
  /** Lines that were left out and are not told of yet. */
  dropped: number
}

/** The pages that look, and what each of them has missed. */
export function createPages() {
  const pages = new Map<WebSocket, Page>()

  const isFull = (socket: WebSocket): boolean => socket.bufferedAmount > MAX_BUFFERED_BYTES

  /** When it has left, there may be room for what was left out. */
  function send(socket: WebSocket, page: Page, message: object): void {
    socket.send(JSON.stringify(message), () => {
      if (page.behind.size > 0 && !isFull(socket)) catchUp(socket, page)
    })
  }

  function catchUp(socket: WebSocket, page: Page): void {
    const behind = [...page.behind]
    page.behind.clear()
    for (const [teller, gap] of behind) {
      const { name, lastAt, status } = teller
      sendLines(socket, page, name, gap.close(teller, lastAt, name))
      if (status !== undefined) send(socket, page, { type: 'status', engine: name, status })
    }
  }

  function sendLines(socket: WebSocket, page: Page, engine: string, lines: readonly TraceLine[]): void {
    if (lines.length === 0) return
    const { dropped } = page
    page.dropped = 0
    send(socket, page, { type: 'lines', engine, lines, dropped })
  }

  function behindOf(page: Page, teller: Teller): ReturnType<typeof createGap> {
    const gap = page.behind.get(teller) ?? createGap()
    page.behind.set(teller, gap)
    return gap
  }

  return {
    add(socket: WebSocket, lines: readonly TraceLine[], tellers: Iterable<Teller>): void {
      const page: Page = { behind: new Map(), dropped: 0 }
      for (let at = 0; at < lines.length; at += MAX_LINES)
        socket.send(JSON.stringify({ type: 'lines', lines: lines.slice(at, at + MAX_LINES) }))
      for (const { name, status } of tellers) {
        send(socket, page, { type: 'hello', engine: name })
        if (status !== undefined) send(socket, page, { type: 'status', engine: name, status })
      }
      pages.set(socket, page)
      socket.on('close', () => pages.delete(socket))
      socket.on('error', () => socket.terminate())
      socket.on('message', () => socket.close(1_003))
    },
    /** Once, and small: it may be more than there is room for. */
    tell(message: object): void {
      for (const [socket, page] of pages) send(socket, page, message)
    },
    status(teller: Teller): void {
      for (const [socket, page] of pages) {
        if (isFull(socket)) behindOf(page, teller)
        else send(socket, page, { type: 'status', engine: teller.name, status: teller.status })
      }
    },
    /** Before the teller is taken further; `missing` of them it has left out itself. */
    lines(teller: Teller, lines: readonly TraceLine[], missing: number): void {
      for (const [socket, page] of pages) {
        page.dropped += missing
        if (isFull(socket)) {
          behindOf(page, teller).widen(teller, lines.length)
          page.dropped += lines.length
          continue
        }
        if (page.behind.has(teller)) catchUp(socket, page)
        sendLines(socket, page, teller.name, lines)
      }
    },
  }
}
