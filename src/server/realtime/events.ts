import type { Session } from '../authenticate.ts'
import type { Settings } from '../options.ts'
import type { Farewell, Hub, Member } from './hub.ts'

/** The same as over a WebSocket, as Server-Sent Events, which pass where WebSockets don't. */
export function eventStream(
  session: Session,
  wants: (entity: string) => boolean,
  hub: Hub,
  { realtime: { heartbeatMs, maxBufferedBytes, restartAfterMs } }: Settings,
): Response {
  let leave = (): void => {}

  const seat = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    const encoder = new TextEncoder()
    let isOpen = true
    const send = (text: string): void => {
      if (!isOpen) return
      controller.enqueue(encoder.encode(`${text}\n\n`))
      if ((controller.desiredSize ?? 0) <= 0) stop(() => controller.error(new Error('The client reads too slowly.')))
    }
    const stop = (finish: () => void): void => {
      if (!isOpen) return
      isOpen = false
      leave()
      finish()
    }
    const end = ({ code, reason: _, ...rest }: Farewell): void =>
      stop(() => {
        controller.enqueue(encoder.encode(`${event('close', { code, ...rest })}\n\n`))
        controller.close()
      })
    const member: Member = {
      wants,
      push: ({ type, ...data }) => send(event(type, data)),
      beat: () => (session.isValid() ? send(': beat') : end({ code: 4401, reason: '' })),
      end,
    }
    leave = hub.join(member)
    send(`retry: ${restartAfterMs}\n${event('hello', { heartbeatMs })}`)
  }

  const stream = new ReadableStream<Uint8Array>(
    { start: seat, cancel: () => leave() },
    new ByteLengthQueuingStrategy({ highWaterMark: maxBufferedBytes }),
  )
  return new Response(stream, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}`
}
