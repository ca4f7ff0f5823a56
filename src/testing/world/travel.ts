import type { ServerResponse } from './messages.ts'

/** How one request fares. */
export interface Fate {
  /** Until it is at the server. */
  readonly thereMs: number
  /** Until the answer is back. */
  readonly backMs: number
  /** It comes to the server this much later once more. */
  readonly againMs?: number
  readonly lost?: 'request' | 'response'
  /** Answered by somebody before the server, without any effect. */
  readonly intercepted?: ServerResponse
  /** What becomes of the server's answer on its way back; an error if it can't be received. */
  mangle?(response: ServerResponse): ServerResponse | Error
}

/** What comes back to the sender; an error is what an HTTP client rejects with. */
export type Arrival = ServerResponse | Error

export interface Road {
  after(delayMs: number, task: () => void): void
  /** Hands the request to the server; `answered` is called with what that says, at once or later. */
  serve(answered: (answer: Arrival) => void): void
}

/** One request on its way to the server and back, as its fate wants it. Once it has left, nobody calls it back. */
export function travel({ after, serve }: Road, fate: Fate, arrive: (answer: Arrival) => void): void {
  const comeBack = (answer: Arrival): void => after(fate.backMs, () => arrive(answer))

  function received(answer: Arrival): Arrival {
    if (fate.lost === 'response') return broken()
    return answer instanceof Error ? answer : (fate.mangle?.(answer) ?? answer)
  }

  after(fate.thereMs, () => {
    if (fate.lost === 'request') return comeBack(broken())
    if (fate.againMs !== undefined) after(fate.againMs, () => serve(() => {}))
    if (fate.intercepted !== undefined) return comeBack(received(fate.intercepted))
    serve((answer) => comeBack(received(answer)))
  })
}

/** As Node's HTTP client says it. */
function broken(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

/** As a browser and Node say alike that nothing left. */
export function unreachable(): Error {
  return Object.assign(new Error('no route to the server'), { code: 'ECONNREFUSED', syscall: 'connect' })
}

export function aborted(): Error {
  return Object.assign(new Error('canceled'), { code: 'ERR_CANCELED' })
}
