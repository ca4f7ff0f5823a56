import { createActor, fromCallback } from 'xstate'
import { connectivityMachine, type ConnectivityInput } from '../../../machines/connectivity.ts'
import { testModel } from '../../../src/testing/model/index.ts'

const parent = createActor(
  fromCallback(() => {}),
  { id: 'parent' },
)

export function connectivityInput(online: boolean, hasProbe: boolean): ConnectivityInput {
  return { parent, online, hasProbe, settleMs: 1_000, probeEveryMs: 30_000 }
}

export const connectivityModel = testModel(connectivityMachine, {
  inputs: [true, false].flatMap((online) => [true, false].map((hasProbe) => connectivityInput(online, hasProbe))),
  events: {
    CAME_ONLINE: [{ type: 'CAME_ONLINE' }],
    WENT_OFFLINE: [{ type: 'WENT_OFFLINE' }],
    SUSPECTED: [{ type: 'SUSPECTED' }],
  },
  outputs: { probe: [true, false] },
})
