import { fromCallback } from 'xstate'
import type { ChannelEvent, ConnectionCommand } from '../../machines/channel.ts'
import { readChannelMessage } from '../core/channel-message.ts'
import type { SystemPorts } from '../core/ports.ts'
import type { ChannelClosed, OpenChannel } from '../core/channel-port.ts'

/** As of a line that we cut ourselves. */
const CUT_CODE = 4408

/** Holds one line for the channel machine. */
export function channelConnection(open: OpenChannel, { clock, random }: SystemPorts) {
  return fromCallback<ConnectionCommand>(({ sendBack, receive }) => {
    const send = (event: ChannelEvent): void => sendBack(event)
    const closed = (info: ChannelClosed): void => send({ type: 'SOCKET.CLOSED', random: random(), ...info })
    const connection = open({
      opened: () => send({ type: 'SOCKET.OPENED' }),
      message(data) {
        const message = readChannelMessage(data)
        if (message !== undefined) send({ type: 'SOCKET.MESSAGE', message, at: clock.monotonic() })
      },
      closed,
    })
    receive(({ type }) => {
      if (type === 'BEAT') return connection.send({ type: 'ping', at: clock.monotonic() })
      closed({ code: CUT_CODE, reason: '' })
      connection.close()
    })
    return () => connection.close()
  })
}
