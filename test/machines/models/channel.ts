import { createActor, fromCallback } from 'xstate'
import { channelMachine, type ChannelEvent, type ChannelInput } from '../../../machines/channel.ts'
import type { ChannelMessage } from '../../../src/core/channel-message.ts'
import type { ChannelClosed } from '../../../src/core/channel-port.ts'
import { testModel } from '../../../src/testing/model/index.ts'

const parent = createActor(
  fromCallback(() => {}),
  { id: 'parent' },
)

export const channelInput: ChannelInput = {
  parent,
  heartbeatMs: 10_000,
  connectTimeoutMs: 20_000,
  fallbackMs: 300_000,
  retry: { strategy: 'exponential', baseMs: 500, capMs: 60_000, maxAttempts: 3 },
}

type Of<Type> = Extract<ChannelEvent, { type: Type }>

export function closed(code: number, rest: Partial<ChannelClosed> = {}): Of<'SOCKET.CLOSED'> {
  return { type: 'SOCKET.CLOSED', code, reason: '', random: 0.5, ...rest }
}

export function received(message: ChannelMessage): Of<'SOCKET.MESSAGE'> {
  return { type: 'SOCKET.MESSAGE', message, at: 5_040 }
}

export const changed: ChannelMessage = { type: 'changed', entity: 'note', cursor: 'c1' }

export const channelModel = testModel(channelMachine, {
  inputs: [channelInput],
  events: {
    CONNECT: [{ type: 'CONNECT' }],
    DISCONNECT: [{ type: 'DISCONNECT' }],
    WENT_OFFLINE: [{ type: 'WENT_OFFLINE' }],
    CAME_ONLINE: [{ type: 'CAME_ONLINE' }],
    'SOCKET.OPENED': [{ type: 'SOCKET.OPENED' }],
    'SOCKET.MESSAGE': [received(changed), received({ type: 'pong', at: 5_000 })],
    'SOCKET.CLOSED': [closed(1006), closed(1008), closed(1012, { retryAfterMs: 5_000 }), closed(4401, { retryAfterMs: 5_000 })],
  },
  key: ({ context: { attempts, refusals, retryAfterMs } }) => [Math.min(attempts, 3), refusals, retryAfterMs],
})
