import { engineMachine } from '../../../machines/engine.ts'
import { StorageCorruptError, StorageUnavailableError, SyncError } from '../../../src/core/errors.ts'
import { testModel } from '../../../src/testing/model/index.ts'
import { input } from '../engine-world.ts'

const reasons = ['user', 'network', 'auth']

export const engineModel = testModel(engineMachine, {
  inputs: [input],
  events: {
    START: [{ type: 'START' }],
    STOP: [{ type: 'STOP' }],
    PAUSE: [{ type: 'PAUSE', reason: 'user' }],
    RESUME: reasons.map((reason) => ({ type: 'RESUME', reason })),
    'PLATFORM.ONLINE': [{ type: 'PLATFORM.ONLINE' }],
    'PLATFORM.OFFLINE': [{ type: 'PLATFORM.OFFLINE' }],
    'STORE.CHANGED': [{ type: 'STORE.CHANGED' }],
    'LOCK.ACQUIRED': [{ type: 'LOCK.ACQUIRED', epoch: 3, takeover: false }],
    'LOCK.LOST': [{ type: 'LOCK.LOST' }],
    'LOCK.RELEASED': [{ type: 'LOCK.RELEASED' }],
    'LOCK.FAILED': [{ type: 'LOCK.FAILED', error: new Error('EIO') }],
    'NETWORK.ONLINE': [{ type: 'NETWORK.ONLINE' }],
    'NETWORK.OFFLINE': [{ type: 'NETWORK.OFFLINE' }],
    'DRAIN.FENCED': [{ type: 'DRAIN.FENCED' }],
    'DRAIN.AUTH_NEEDED': [{ type: 'DRAIN.AUTH_NEEDED' }],
    'DRAIN.NETWORK_SUSPECTED': [{ type: 'DRAIN.NETWORK_SUSPECTED' }],
    'DRAIN.QUIET': [{ type: 'DRAIN.QUIET' }],
    'PULL.WANTED': [{ type: 'PULL.WANTED', targets: [{ entity: 'note', full: false }] }],
    'PULL.AUTH_NEEDED': [{ type: 'PULL.AUTH_NEEDED' }],
    'PULL.FENCED': [{ type: 'PULL.FENCED' }],
  },
  errors: [new StorageUnavailableError('Not now.'), new StorageCorruptError('Broken.')],
  key: ({ context: { pauses, error } }) => [pauses.toSorted(), error instanceof SyncError && error.retryable],
})
