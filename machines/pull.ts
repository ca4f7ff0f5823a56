import { assign, fromPromise, sendTo, setup, type ActorRef, type Snapshot } from 'xstate'
import { rejectNotProvided } from './not-provided.ts'

/**
 * Brings the server's changes, page by page and one kind of entity after the other. It runs while this engine owns the lease and nothing holds it:
 * then first everything that is pulled by itself, later what is asked for, and everything again after a rest. A page is one commit together with
 * how far it reaches, so whoever owns next goes on there.
 */
export interface PullInput {
  readonly parent: ActorRef<Snapshot<unknown>, PullReport>
  /** What is pulled by itself; nothing if pulls are only asked for. */
  readonly entities: readonly string[]
}

export interface PullTarget {
  readonly entity: string
  /** From the beginning. */
  readonly full: boolean
}

/** What became of one page. `began`: a pull from the beginning is under way now and need not be begun again. */
export type PageResult =
  | { readonly type: 'more'; readonly began: boolean }
  /** The server has nothing more. `restMs`: until the next pull by itself. */
  | { readonly type: 'complete'; readonly began: boolean; readonly restMs: number }
  | { readonly type: 'failed'; readonly began: boolean; readonly delayMs: number }
  | { readonly type: 'auth'; readonly began: boolean }

/** What is asked of `page`. */
export interface PageInput {
  readonly target: PullTarget
  /** Failures since the last page that came. */
  readonly failures: number
}

export type PullReport = { readonly type: 'PULL.AUTH_NEEDED' }

export type PullEvent =
  | { readonly type: 'GO' }
  | { readonly type: 'HOLD' }
  | { readonly type: 'PULL'; readonly targets: readonly PullTarget[] }

export interface PullContext extends PullInput {
  /** The one under way first. */
  readonly targets: readonly PullTarget[]
  readonly failures: number
  /** The next rest, or the wait after a failure. */
  readonly delayMs: number
}

export const pullMachine = setup({
  types: {
    context: {} as PullContext,
    events: {} as PullEvent,
    input: {} as PullInput,
  },
  actors: {
    /** Asks for one page and stores it. Never rejects. */
    page: fromPromise<PageResult, PageInput>(rejectNotProvided),
  },
  actions: {
    want: assign(({ context }, { targets }: { targets: readonly PullTarget[] }) => ({
      targets: joined(context.targets, targets),
    })),
    wantAll: assign(({ context }) => ({ targets: joined(context.targets, context.entities.map(incremental)) })),
    advance: assign(({ context }, result: PageResult) => ({ targets: after(context.targets, result), failures: 0 })),
    finish: assign(({ context }, result: PageResult) => ({
      targets: context.targets.slice(1),
      failures: 0,
      delayMs: delayOf(result),
    })),
    fail: assign(({ context }, result: PageResult) => ({
      targets: after(context.targets, result),
      failures: context.failures + 1,
      delayMs: delayOf(result),
    })),
    reportAuth: sendTo(({ context }) => context.parent, { type: 'PULL.AUTH_NEEDED' }),
  },
  guards: {
    isWanted: ({ context }) => context.targets.length > 0,
    isPeriodic: ({ context }) => context.entities.length > 0,
    is: (_, { result, type }: { result: PageResult; type: PageResult['type'] }) => result.type === type,
  },
  delays: {
    rest: ({ context }) => context.delayMs,
    retry: ({ context }) => context.delayMs,
  },
}).createMachine({
  id: 'pull',
  context: ({ input }) => ({ ...input, targets: [], failures: 0, delayMs: 0 }),
  initial: 'held',
  on: { PULL: { actions: { type: 'want', params: ({ event }) => event } } },
  states: {
    held: {
      on: { GO: { target: 'going', actions: 'wantAll' } },
    },
    going: {
      initial: 'choosing',
      on: { HOLD: 'held' },
      states: {
        choosing: {
          always: [{ guard: 'isWanted', target: 'pulling' }, { guard: 'isPeriodic', target: 'resting' }, { target: 'idle' }],
        },
        pulling: {
          invoke: {
            src: 'page',
            input: ({ context }) => ({ target: context.targets[0] ?? incremental(''), failures: context.failures }),
            onDone: [
              {
                guard: { type: 'is', params: ({ event }) => ({ result: event.output, type: 'more' }) },
                target: 'pulling',
                reenter: true,
                actions: { type: 'advance', params: ({ event }) => event.output },
              },
              {
                guard: { type: 'is', params: ({ event }) => ({ result: event.output, type: 'complete' }) },
                target: 'choosing',
                actions: { type: 'finish', params: ({ event }) => event.output },
              },
              {
                guard: { type: 'is', params: ({ event }) => ({ result: event.output, type: 'auth' }) },
                target: '#pull.held',
                actions: [{ type: 'advance', params: ({ event }) => event.output }, 'reportAuth'],
              },
              { target: 'failing', actions: { type: 'fail', params: ({ event }) => event.output } },
            ],
          },
        },
        failing: {
          after: { retry: 'choosing' },
          on: { PULL: { target: 'choosing', actions: { type: 'want', params: ({ event }) => event } } },
        },
        resting: {
          after: { rest: { target: 'choosing', actions: 'wantAll' } },
          on: { PULL: { target: 'choosing', actions: { type: 'want', params: ({ event }) => event } } },
        },
        idle: {
          on: { PULL: { target: 'choosing', actions: { type: 'want', params: ({ event }) => event } } },
        },
      },
    },
  },
})

function incremental(entity: string): PullTarget {
  return { entity, full: false }
}

/** Each entity once; one that is wanted from the beginning is pulled so. The one under way goes on as it is, and is pulled again after. */
function joined([current, ...queued]: readonly PullTarget[], wanted: readonly PullTarget[]): readonly PullTarget[] {
  const next = new Map<string, PullTarget>()
  for (const { entity, full } of [...queued, ...wanted])
    next.set(entity, { entity, full: full || next.get(entity)?.full === true })
  return current === undefined ? [...next.values()] : [current, ...next.values()]
}

function after([current, ...queued]: readonly PullTarget[], { began }: PageResult): readonly PullTarget[] {
  return current === undefined ? [] : [began ? incremental(current.entity) : current, ...queued]
}

function delayOf(result: PageResult): number {
  if (result.type === 'complete') return result.restMs
  return result.type === 'failed' ? result.delayMs : 0
}
