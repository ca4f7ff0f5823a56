import { visibleText } from '../core/visible-text.ts'
import { grouped, type Io } from './io.ts'

/** How far a push is. */
export interface PushState {
  /** Operations of the file that are in the store, and how many of all in the store have ended since. */
  readonly stored: number
  readonly ended: number
  readonly total: number
  readonly live: number
  readonly requests: number
  readonly retries: number
  readonly conflicts: number
  readonly takeovers: number
  /** `owner` sends, `follower` waits for another process that does, `waiting` does not know of one. */
  readonly role: 'owner' | 'follower' | 'waiting'
  /** What holds it up, if anything. */
  readonly waitingFor?: string | undefined
}

export type ProgressMode = 'auto' | 'bar' | 'plain' | 'json' | 'none'
export const PROGRESS_MODES: readonly ProgressMode[] = ['auto', 'bar', 'plain', 'json', 'none']

export interface Progress {
  show(state: PushState): void
  /** A line that stays. */
  note(text: string): void
  /** Shows the last state and leaves the line. */
  end(): void
}

const BAR_WIDTH = 24
const INTERVALS_MS = { bar: 100, plain: 1_000, json: 100, none: Infinity } as const

export function createProgress(io: Io, mode: ProgressMode): Progress {
  const kind = mode === 'auto' ? (io.isTerminal ? 'bar' : 'plain') : mode
  let last: PushState | undefined
  let shownAt = Number.NEGATIVE_INFINITY
  let isDrawn = false

  function draw(state: PushState): void {
    shownAt = performance.now()
    if (kind === 'none') return
    if (kind === 'json') return io.err(`${JSON.stringify({ type: 'progress', ...state })}\n`)
    if (kind === 'plain') return io.err(`${describe(state)}\n`)
    // A line that wraps could not be drawn over.
    const room = Math.max(0, io.columns() - BAR_WIDTH - 2)
    io.draw(`\r\u001B[2K${bar(state, io.hasColours)} ${visibleText(describe(state)).slice(0, room)}`)
    isDrawn = true
  }

  function leaveLine(): void {
    if (isDrawn) io.draw('\r\u001B[2K')
    isDrawn = false
  }

  return {
    show(state) {
      last = state
      if (performance.now() - shownAt >= INTERVALS_MS[kind]) draw(state)
    },
    note(text) {
      leaveLine()
      io.err(kind === 'json' ? `${JSON.stringify({ type: 'note', text })}\n` : `${text}\n`)
      if (kind === 'bar' && last !== undefined) draw(last)
    },
    end() {
      if (last !== undefined) draw(last)
      if (isDrawn) io.err('\n')
      isDrawn = false
      last = undefined
    },
  }
}

function describe({ stored, ended, total, requests, retries, role, waitingFor }: PushState): string {
  const parts = [`${grouped(ended)} of ${grouped(total)}`]
  if (stored < total) parts.push(`${grouped(stored)} stored`)
  if (role === 'owner') parts.push(`${grouped(requests)} requests`, `${grouped(retries)} retries`)
  else parts.push(role === 'follower' ? 'another process sends' : 'waiting for the lease')
  if (waitingFor !== undefined) parts.push(waitingFor)
  return parts.join(' · ')
}

function bar({ ended, total }: Pick<PushState, 'ended' | 'total'>, hasColours: boolean): string {
  const filled = total === 0 ? BAR_WIDTH : Math.floor((BAR_WIDTH * Math.min(ended, total)) / total)
  const [done, left] = ['█'.repeat(filled), '░'.repeat(BAR_WIDTH - filled)]
  return hasColours ? `\u001B[32m${done}\u001B[39m${left}` : `${done}${left}`
}
