import { conflictMachine } from '../../../machines/conflict.ts'
import { testModel } from '../../../src/testing/model/index.ts'

export const conflictModel = testModel(conflictMachine, {
  inputs: [
    { automatic: undefined, wasSeen: false },
    { automatic: undefined, wasSeen: true },
    { automatic: 'manual', wasSeen: false },
    { automatic: 'manual', wasSeen: true },
    { automatic: { merge: 'local' }, wasSeen: false },
  ],
  events: { EXPIRED: [{ type: 'EXPIRED' }] },
  outputs: { decide: ['remote', 'manual'] },
  key: ({ context: { automatic, wasSeen } }) => [automatic, wasSeen],
})
