import { describe, expect, it } from 'vitest'
import { and, assign, cancel, emit, fromPromise, not, raise, sendTo, setup, stateIn } from 'xstate'
import { actionTexts, coverageTable, gaps, testModel, transitionNames } from '../../../src/testing/model/index.ts'

interface Context {
  readonly count: number
}

/** Something of everything: regions, raised events, inline and composed guards, a transition without an event. */
const gadget = setup({
  types: {
    context: {} as Context,
    events: {} as { type: 'PRESS' } | { type: 'TICK' } | { type: 'RELAX' },
    emitted: {} as { type: 'rang' },
  },
  actors: { load: fromPromise<number>(() => Promise.reject(new Error('not provided'))) },
  actions: { count: assign({ count: ({ context }) => Math.min(2, context.count + 1) }), beep: () => {} },
  guards: { isOpen: stateIn({ door: 'open' }), isFull: ({ context }) => context.count === 2 },
  delays: { soon: 10 },
}).createMachine({
  id: 'gadget',
  type: 'parallel',
  context: { count: 0 },
  states: {
    door: {
      initial: 'shut',
      states: {
        shut: { on: { PRESS: { target: 'open', actions: raise({ type: 'TICK' }) } } },
        open: {
          entry: raise({ type: 'RELAX' }, { id: 'tired', delay: 50 }),
          exit: cancel('tired'),
          after: { soon: 'shut' },
          on: { RELAX: 'shut' },
        },
      },
    },
    bell: {
      initial: 'silent',
      states: {
        silent: {
          on: { TICK: [{ guard: and(['isOpen', not('isFull')]), actions: ['count', 'beep'] }] },
          always: { guard: ({ context }) => context.count === 2, target: 'ringing' },
        },
        ringing: {
          entry: emit({ type: 'rang' }),
          exit: sendTo('loading', { type: 'PRESS' }),
          invoke: {
            src: 'load',
            id: 'loading',
            onDone: [{ guard: ({ event }) => event.output > 1, actions: 'beep' }, 'done'],
            onError: 'done',
          },
        },
        done: {},
      },
    },
  },
})

const model = testModel(gadget, {
  inputs: [undefined],
  events: { PRESS: [{ type: 'PRESS' }], TICK: [{ type: 'TICK' }], RELAX: [{ type: 'RELAX' }] },
  outputs: { load: ({ context }) => [context.count - 1, context.count] },
  key: ({ context }) => context.count,
})

/** The actions on the shortest path that ends with them. */
function actionsAfter(type: string, value: object): readonly string[] | undefined {
  const edges = model.walks.flatMap(({ vertices }) => vertices.flatMap((vertex) => vertex.edges))
  const edge = edges.find(({ event, to }) => event.type === type && JSON.stringify(to.snapshot.value) === JSON.stringify(value))
  return edge && actionTexts(edge.observation.actions)
}

describe('a model of a machine', () => {
  it('F1 walks through regions, raised events, transitions without an event, timers and the ends of actors', () => {
    expect(gaps(model.coverage)).toEqual([])
    expect(coverageTable([model.coverage])).toBe(
      ['machine  states  transitions  guards', 'gadget   7/7     8/8          3/3'].join('\n'),
    )
  })

  it('F1 names its transitions as a person would', () => {
    expect([...model.names.values()]).toEqual([
      'door.shut: PRESS → door.open',
      'door.open: RELAX → door.shut',
      'door.open: after soon → door.shut',
      'bell.silent: TICK [and(isOpen, not(isFull))] stays',
      'bell.silent: always [inline guard] → bell.ringing',
      'bell.ringing: done load 1/2 [inline guard] stays',
      'bell.ringing: done load 2/2 → bell.done',
      'bell.ringing: error load → bell.done',
    ])
  })

  it('F1 says what each transition does', () => {
    expect(actionsAfter('PRESS', { door: 'open', bell: 'silent' })).toEqual(['raise RELAX in 50 ms', 'wait 10 ms', 'beep'])
    expect(actionsAfter('TICK', { door: 'open', bell: 'ringing' })).toEqual(['beep', 'emit rang', 'start load'])
    expect(actionsAfter('RELAX', { door: 'shut', bell: 'ringing' })).toEqual(['cancel tired'])
    expect(actionsAfter('xstate.error.actor.loading', { door: 'open', bell: 'done' })).toEqual([
      'send PRESS to loading',
      'stop load',
    ])
  })

  it('F1 leaves the machine that it is given as it was', () => {
    expect([...transitionNames(gadget).values()]).toEqual([...model.names.values()])
    expect(Object.keys(gadget.implementations.guards)).toEqual(['isOpen', 'isFull'])
  })
})
