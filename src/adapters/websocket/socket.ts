/** What of a WebSocket is used: that of browsers, of Node 22 and of the package ws alike. */
export interface SocketLike {
  addEventListener(type: 'open', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void
  addEventListener(type: 'error', listener: (event: object) => void): void
  /** Bytes that were sent and have not left. */
  readonly bufferedAmount?: number
  send(text: string): void
  close(code?: number): void
}

export type SocketClass = new (url: string, protocol?: string) => SocketLike

/** For the package `ws`, of which not all types know `closeTimeout`: a network that has fallen silent never brings the other end's farewell. */
const LIMITS = { maxPayload: 65_536, closeTimeout: 1_000, perMessageDeflate: false, followRedirects: false }

/** The platform's own; the package `ws` where there is none, as in Node before 22. */
export async function platformSocket(): Promise<(url: string, protocol?: string) => SocketLike> {
  if (typeof globalThis.WebSocket === 'function') {
    const { WebSocket } = globalThis
    return (url, protocol) => new WebSocket(url, protocol)
  }
  const { WebSocket } = await import('ws')
  return (url, protocol) => new WebSocket(url, protocol === undefined ? [] : [protocol], LIMITS)
}
