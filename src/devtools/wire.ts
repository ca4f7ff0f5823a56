import type { TraceLine } from '../core/trace.ts'

/** One operation, with why it waits. */
export interface QueueRow {
  readonly operation: string
  readonly lane: string
  readonly type: string
  readonly status: string
  readonly attempts: number
  readonly waitingFor: readonly string[]
  /** Wall-clock time of the next thing that happens by itself. */
  readonly nextWakeAt?: number
  readonly lastError?: string
  /** JSON, cut. Only an engine that is inspected tells it; no trace holds it. */
  readonly payload: string
}

export interface ConflictLine {
  readonly operation: string
  readonly entity: string
  readonly type: string
  readonly severity: string
  readonly strategy: string
  readonly resolution: string
  /** The first fields, each with what it was made on, what is here and what the server has, as JSON. */
  readonly fields: readonly (readonly [path: string, base: string, local: string, remote: string])[]
}

/** How an engine stands, asked of it now and then while it is inspected. */
export interface EngineStatus {
  /** `explain` of the engine. */
  readonly summary: string
  /** Operations that have not ended. */
  readonly waiting: number
  /** 0 to 100. */
  readonly health: number
  readonly totals: readonly (readonly [name: string, value: string])[]
  readonly queue: readonly QueueRow[]
  /** Rejected ones that nobody has seen to. Engines of older releases do not tell. */
  readonly deadLetters?: readonly QueueRow[]
  readonly conflicts: readonly ConflictLine[]
}

/** What is sent over the socket, as JSON: by an engine, and on to every page, with the name that the server gave the engine. */
export type WireMessage =
  | { readonly type: 'hello'; readonly name: string }
  /** `dropped`: lines that there was no room for since the message before; what leads over them is among the lines. */
  | { readonly type: 'lines'; readonly engine?: string; readonly lines: readonly TraceLine[]; readonly dropped?: number }
  | { readonly type: 'status'; readonly engine?: string; readonly status: EngineStatus }
  | { readonly type: 'left'; readonly engine: string }

/** The subprotocol: `synchart.<format>`. */
export const WIRE_PROTOCOL = 'synchart.1'
