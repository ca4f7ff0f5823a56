/** What a test tells a context that runs engines, over a port. */
export type Command =
  | { readonly type: 'start'; readonly name: string; readonly lock: LockGiven }
  | { readonly type: 'stop'; readonly name: string }
  | { readonly type: 'enqueue'; readonly name: string; readonly ids: readonly string[] }
  /** Writes as the owner of an epoch would; answers with what became of each write. */
  | { readonly type: 'writeAs'; readonly name: string; readonly epoch: number; readonly times: number }
  /** Blocks its thread, without a gap, until the URL can no longer be fetched. */
  | { readonly type: 'freeze'; readonly url: string }

export interface LockGiven {
  readonly heartbeatMs: number
  readonly staleMs: number
}

/** What it tells. */
export type Told =
  | { readonly type: 'ready' }
  | { readonly type: 'frozen' }
  | { readonly type: 'reply'; readonly call: number; readonly result?: unknown; readonly error?: string }
  | { readonly type: 'acquired'; readonly name: string; readonly epoch: number }
  | { readonly type: 'lost'; readonly name: string }
  /** A request has arrived at the server, which here is nothing but this. */
  | { readonly type: 'request'; readonly name: string; readonly key: string; readonly id: string }
  | { readonly type: 'settled'; readonly name: string; readonly id: string; readonly status: string }

/** A window's, a worker's or a channel's end. */
export interface Port {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
}
