import { assign, fromPromise, setup } from 'xstate'
import { TimeoutError } from '../src/core/errors.ts'
import type { Settlement } from '../src/core/reconcile.ts'
import { rejectNotProvided } from './not-provided.ts'

/**
 * One conflict from when it was found until it is settled, or left to a person, while its operation is reconciling. Rules and strategies
 * settle it at once; a function of the application is asked, and nobody waits for it longer than for any other step of the operation.
 */
export interface ConflictInput {
  /** What rules, strategy or an earlier decision come to by themselves; undefined where the application's function is to be asked. */
  readonly automatic: Settlement | undefined
  /** A person saw this very conflict and sent the operation on as it is. */
  readonly wasSeen: boolean
}

export interface ConflictContext extends ConflictInput {
  readonly settlement: Settlement | undefined
  /** Why nothing came of asking the function. */
  readonly error: unknown
}

/** `manual`: a person is to decide. */
export interface ConflictOutput {
  readonly settlement: Settlement
  readonly error: unknown
}

export type ConflictEvent = { readonly type: 'EXPIRED' }

export const conflictMachine = setup({
  types: {
    context: {} as ConflictContext,
    events: {} as ConflictEvent,
    input: {} as ConflictInput,
    output: {} as ConflictOutput,
  },
  actors: {
    /** The application's function; provided by the engine, which checks its answer. */
    decide: fromPromise<Settlement>(rejectNotProvided),
  },
  actions: {
    settle: assign({ settlement: ({ context }) => (context.automatic === 'manual' ? 'local' : context.automatic) }),
    keep: assign((_, answer: Settlement) => ({ settlement: answer === 'manual' ? 'local' : answer })),
    fail: assign((_, { error }: { error: unknown }) => ({ error })),
    expire: assign({ error: () => new TimeoutError('The conflict function did not decide in time (sendTimeoutMs).') }),
  },
  guards: {
    isSettled: ({ context: { automatic, wasSeen } }) => automatic !== undefined && (automatic !== 'manual' || wasSeen),
    isForPerson: ({ context }) => context.automatic === 'manual',
    isLeft: ({ context }, answer: Settlement) => answer === 'manual' && !context.wasSeen,
  },
}).createMachine({
  id: 'conflict',
  context: ({ input }) => ({ ...input, settlement: undefined, error: undefined }),
  initial: 'detected',
  states: {
    detected: {
      always: [
        { guard: 'isSettled', target: 'resolved', actions: 'settle' },
        { guard: 'isForPerson', target: 'parked' },
        { target: 'deciding' },
      ],
    },
    deciding: {
      invoke: {
        id: 'decide',
        src: 'decide',
        onDone: [
          { guard: { type: 'isLeft', params: ({ event }) => event.output }, target: 'parked' },
          { target: 'resolved', actions: { type: 'keep', params: ({ event }) => event.output } },
        ],
        onError: { target: 'parked', actions: { type: 'fail', params: ({ event }) => event } },
      },
      on: { EXPIRED: { target: 'parked', actions: 'expire' } },
    },
    resolved: { type: 'final' },
    parked: { type: 'final' },
  },
  output: ({ context: { settlement = 'manual', error } }) => ({ settlement, error }),
})
