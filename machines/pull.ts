import { assign, fromPromise, sendTo, setup, type ActorRef, type Snapshot } from 'xstate'
import { rejectNotProvided } from './not-provided.ts'

/**
 * Brings the server's changes, page by page and one kind of entity after the other. It runs while this engine owns the lease and nothing holds it:
 * then first everything that is pulled by itself, later what is asked for, and everything again after a rest. A page is one commit together with
 * how far it reaches, so whoever owns next goes on there. One kind that can't be pulled does not keep the others waiting. A kind of which only parts
 * are followed is divided when its turn comes, and each part is pulled as a kind of its own.
 */
export interface PullInput {
  readonly parent: ActorRef<Snapshot<unknown>, PullReport>
  /** What is pulled by itself; nothing if pulls are only asked for. */
  readonly entities: readonly string[]
}

export interface PullTarget {
  readonly entity: string
  /** The part of it; absent: all of it, or every part that is followed. */
  readonly scope?: string | undefined
  /** From the beginning. */
  readonly full: boolean
}

/** What became of one page. */
export interface PageResult {
  /** `more`: there are more pages. `complete`: the server has nothing more. `parts`: nothing was asked for, `scopes` are to be pulled in its place. `fenced`: somebody else owns the lease. */
  readonly type: 'more' | 'complete' | 'parts' | 'failed' | 'auth' | 'fenced'
  readonly scopes?: readonly string[]
  /** A pull from the beginning is under way now and need not be begun again. */
  readonly began: boolean
  /** Until this kind of entity is to be asked for again by itself; endless if never. */
  readonly delayMs: number
}

/** What `page` is asked for. */
export interface PageInput extends PullTarget {
  /** Failures since the last page that came. */
  readonly failures: number
}

export type PullReport = { readonly type: 'PULL.AUTH_NEEDED' } | { readonly type: 'PULL.FENCED' }

export type PullEvent =
  | { readonly type: 'GO' }
  | { readonly type: 'HOLD' }
  | { readonly type: 'PULL'; readonly targets: readonly PullTarget[] }

export interface PullContext extends PullInput {
  /** While one is pulled it is the first. */
  readonly queue: readonly PageInput[]
  /** To be tried again after the wait. */
  readonly failed: readonly PageInput[]
  /** The wait that is the shortest of all that this round asked for. */
  readonly delayMs: number
}

/** A page that breaks, which none should, is asked for again after this. */
const BROKEN_MS = 60_000

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
    /** A new round: what failed is tried again in it, and what is wanted comes once. */
    want: assign(({ context: { queue, failed } }, { targets }: { targets: readonly PullTarget[] }) => ({
      queue: joined(joined(queue, failed), targets.map(wanted)),
      failed: [],
      delayMs: Infinity,
    })),
    /** The one under way goes on as it is, and is pulled again after if that is wanted. */
    wantNext: assign(({ context: { queue } }, { targets }: { targets: readonly PullTarget[] }) => ({
      queue: [...queue.slice(0, 1), ...joined(queue.slice(1), targets.map(wanted))],
    })),
    advance: assign(({ context: { queue } }, { began }: PageResult) => ({
      queue: queue.map((one, at) => (at === 0 ? { ...one, full: one.full && !began, failures: 0 } : one)),
    })),
    divide: assign(({ context: { queue, delayMs } }, { scopes = [], delayMs: ownMs }: PageResult) => ({
      queue: joined(
        queue.slice(0, 1).flatMap((one) => scopes.map((scope) => ({ ...one, scope }))),
        queue.slice(1),
      ),
      delayMs: Math.min(delayMs, ownMs),
    })),
    finish: assign(({ context: { queue, delayMs } }, result: PageResult) => ({
      queue: queue.slice(1),
      delayMs: Math.min(delayMs, result.delayMs),
    })),
    putOff: assign(({ context: { queue, failed, delayMs } }, result: PageResult) => ({
      queue: queue.slice(1),
      failed: joined(
        failed,
        queue.slice(0, 1).map((one) => ({ ...one, full: one.full && !result.began, failures: one.failures + 1 })),
      ),
      delayMs: Math.min(delayMs, result.delayMs),
    })),
    reportAuth: sendTo(({ context }) => context.parent, { type: 'PULL.AUTH_NEEDED' }),
    reportFenced: sendTo(({ context }) => context.parent, { type: 'PULL.FENCED' }),
  },
  guards: {
    isWanted: ({ context }) => context.queue.length > 0,
    isEndless: ({ context }) => context.delayMs === Infinity,
    hasMore: answered('more'),
    hasParts: answered('parts'),
    isComplete: answered('complete'),
    lacksCredentials: answered('auth'),
    isFenced: answered('fenced'),
  },
  delays: {
    wait: ({ context }) => context.delayMs,
  },
}).createMachine({
  id: 'pull',
  context: ({ input }) => ({ ...input, queue: [], failed: [], delayMs: Infinity }),
  initial: 'held',
  states: {
    held: {
      on: {
        GO: {
          target: 'going',
          actions: { type: 'want', params: ({ context }) => ({ targets: context.entities.map(incremental) }) },
        },
        PULL: { actions: { type: 'want', params: ({ event }) => event } },
      },
    },
    going: {
      initial: 'choosing',
      on: {
        HOLD: 'held',
        PULL: { target: '.choosing', actions: { type: 'want', params: ({ event }) => event } },
      },
      states: {
        choosing: {
          always: [{ guard: 'isWanted', target: 'pulling' }, { guard: 'isEndless', target: 'idle' }, { target: 'waiting' }],
        },
        pulling: {
          invoke: {
            src: 'page',
            input: ({ context }) => context.queue[0] ?? wanted(incremental('')),
            onDone: [
              {
                guard: { type: 'hasMore', params: ({ event }) => event.output },
                target: 'pulling',
                reenter: true,
                actions: { type: 'advance', params: ({ event }) => event.output },
              },
              {
                guard: { type: 'hasParts', params: ({ event }) => event.output },
                target: 'choosing',
                actions: { type: 'divide', params: ({ event }) => event.output },
              },
              {
                guard: { type: 'isComplete', params: ({ event }) => event.output },
                target: 'choosing',
                actions: { type: 'finish', params: ({ event }) => event.output },
              },
              {
                guard: { type: 'lacksCredentials', params: ({ event }) => event.output },
                target: '#pull.held',
                actions: [{ type: 'advance', params: ({ event }) => event.output }, 'reportAuth'],
              },
              {
                guard: { type: 'isFenced', params: ({ event }) => event.output },
                target: '#pull.held',
                actions: [{ type: 'advance', params: ({ event }) => event.output }, 'reportFenced'],
              },
              { target: 'choosing', actions: { type: 'putOff', params: ({ event }) => event.output } },
            ],
            onError: {
              target: 'choosing',
              actions: { type: 'putOff', params: { type: 'failed', began: false, delayMs: BROKEN_MS } },
            },
          },
          on: { PULL: { actions: { type: 'wantNext', params: ({ event }) => event } } },
        },
        waiting: {
          after: {
            wait: {
              target: 'choosing',
              actions: { type: 'want', params: ({ context }) => ({ targets: context.entities.map(incremental) }) },
            },
          },
        },
        idle: {},
      },
    },
  },
})

function incremental(entity: string): PullTarget {
  return { entity, full: false }
}

function wanted(target: PullTarget): PageInput {
  return { ...target, failures: 0 }
}

/** Each once, and one that is wanted from the beginning is pulled so. A whole comes before its parts, for it is divided into them. */
function joined(queue: readonly PageInput[], others: readonly PageInput[]): readonly PageInput[] {
  const next = new Map<string, PageInput>()
  for (const one of [...queue, ...others]) {
    const key = JSON.stringify([one.entity, one.scope])
    const known = next.get(key) ?? one
    next.set(key, { ...one, full: known.full || one.full, failures: Math.max(known.failures, one.failures) })
  }
  const all = [...next.values()]
  const wholes = new Set(all.flatMap(({ entity, scope }) => (scope === undefined ? entity : [])))
  const isCovered = ({ entity, scope }: PageInput): boolean => scope !== undefined && wholes.has(entity)
  return [...all.filter((one) => !isCovered(one)), ...all.filter(isCovered)]
}

function answered(type: PageResult['type']) {
  return (_: unknown, result: PageResult): boolean => result.type === type
}
