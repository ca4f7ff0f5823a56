import type { RawData, WebSocket } from 'ws'
import type { Session } from '../authenticate.ts'
import type { Settings } from '../options.ts'
import { readClientMessage } from './client-message.ts'
import type { Farewell, Hub, Member } from './hub.ts'

/** Who does not read a farewell is cut off after this. */
const graceMs = 1000

const malformed: Farewell = { code: 1008, reason: 'Send ping or subscribe as JSON; see the wire protocol.' }
const binary: Farewell = { code: 1003, reason: 'Send text.' }
const outdated: Farewell = { code: 4401, reason: 'The token is no longer taken.' }

/** Says why, and does not wait for long that the client closes too. */
export function endSocket(socket: WebSocket, { code, reason }: Farewell): void {
  if (socket.readyState !== socket.OPEN) return
  socket.close(code, reason)
  const cutOff = setTimeout(() => socket.terminate(), graceMs)
  socket.on('close', () => clearTimeout(cutOff))
}

/** Makes a WebSocket a member of the hub until it closes. */
export function seatSocket(socket: WebSocket, session: Session, hub: Hub, settings: Settings): Member {
  const { heartbeatMs, maxBufferedBytes, restartAfterMs } = settings.realtime
  let entities: ReadonlySet<string> | undefined
  let isAlive = true
  const end = (farewell: Farewell): void => endSocket(socket, farewell)

  const send = (message: object): void => {
    if (socket.readyState !== socket.OPEN) return
    socket.send(JSON.stringify(message), ignore)
    if (socket.bufferedAmount > maxBufferedBytes)
      end({ code: 1013, reason: JSON.stringify({ retryAfterMs: restartAfterMs }), retryAfterMs: restartAfterMs })
  }

  const hear = (data: RawData, isBinary: boolean): void => {
    if (socket.readyState !== socket.OPEN) return
    if (isBinary || !Buffer.isBuffer(data)) return end(binary)
    const message = readClientMessage(data.toString(), settings.entityAllowed)
    if (message === undefined) return end(malformed)
    if (message.type === 'ping') return send({ type: 'pong', at: message.at })
    entities = message.entities
  }

  const member: Member = {
    wants: (entity) => entities === undefined || entities.has(entity),
    push: send,
    beat() {
      if (!isAlive) return socket.terminate()
      if (!session.isValid()) return end(outdated)
      isAlive = false
      socket.ping(undefined, undefined, ignore)
    },
    end,
  }

  const leave = hub.join(member)
  socket.on('message', hear)
  socket.on('pong', () => (isAlive = true))
  socket.on('close', leave)
  send({ type: 'hello', heartbeatMs })
  return member
}

/** A line that breaks closes, and that is enough. */
function ignore(): void {}
