import { describe, expect, it } from 'vitest'
import { assign, createActor, createMachine, fromPromise, fromTransition, setup } from 'xstate'
import { gaps, testModel } from '../../../src/testing/index.ts'

type Sent = { readonly kind: 'kept'; readonly id: string } | { readonly kind: 'refused' }

/** A form of an application: what is typed, and what sending it comes to. */
const form = setup({
  types: {
    context: {} as { text: string },
    events: {} as { type: 'TYPE'; by: 'key' | 'voice'; text: string } | { type: 'SEND' },
  },
  actors: { send: fromPromise<Sent, string>(() => Promise.reject(new Error('not provided'))) },
  guards: { isEmpty: ({ context }) => context.text === '' },
}).createMachine({
  id: 'form',
  context: { text: '' },
  initial: 'editing',
  states: {
    editing: {
      on: {
        TYPE: { actions: assign({ text: ({ event }) => event.text }) },
        SEND: [{ guard: 'isEmpty' }, { target: 'sending' }],
      },
    },
    sending: {
      invoke: {
        src: 'send',
        input: ({ context }) => context.text,
        onDone: [{ guard: ({ event }) => event.output.kind === 'kept', target: 'sent' }, { target: 'editing' }],
        onError: 'editing',
      },
    },
    sent: { type: 'final' },
  },
})

describe('what may happen in a model', () => {
  it('F6 is told by functions without a cast, though the types of events and outputs are narrow', () => {
    const { coverage } = testModel(form, {
      inputs: [undefined],
      events: {
        TYPE: ({ context }) => [{ type: 'TYPE', by: 'voice', text: context.text === '' ? 'x' : '' }],
        SEND: ({ context }) => (context.text === 'never' ? [] : [{ type: 'SEND' }]),
      },
      outputs: { send: ({ context }) => [{ kind: 'kept', id: context.text }, { kind: 'refused' }] },
      key: ({ context }) => context.text,
    })
    expect(gaps(coverage)).toEqual([])
  })

  it('F6 does not compile where it is left out, or is not of the machine', () => {
    const events = { TYPE: [{ type: 'TYPE', by: 'key', text: 'x' }], SEND: [{ type: 'SEND' }] } as const
    const good = { inputs: [undefined], events, outputs: { send: [{ kind: 'refused' }] } } as const
    expect(() => testModel(form, good)).not.toThrow()
    // @ts-expect-error a type of events that is left out
    expect(() => testModel(form, { ...good, events: { TYPE: [] } })).toThrow()
    // @ts-expect-error an output that there is not
    expect(() => testModel(form, { ...good, outputs: { send: () => [{ kind: 'lost' }] } })).not.toThrow()
  })

  it('F6 may be nothing for an event that only the types of a machine know', () => {
    const deaf = setup({ types: { events: {} as { type: 'GO' } | { type: 'SHARED' } } }).createMachine({
      id: 'deaf',
      on: { GO: {} },
    })
    const GO = [{ type: 'GO' }] as const
    expect(gaps(testModel(deaf, { inputs: [undefined], events: { GO, SHARED: [] } }).coverage)).toEqual([])
    for (const events of [
      { GO, SHARED: [{ type: 'SHARED' }] },
      { GO: [], SHARED: [] },
    ] as const)
      expect(() => testModel(deaf, { inputs: [undefined], events })).toThrow(expect.objectContaining({ name: 'ValidationError' }))
  })

  it('F6 is met also by a wildcard of the machine', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { on: { 'mouse.*': 'b', 'key.down': 'b' } }, b: { on: { '*': 'a' } } },
    })
    const events = (...types: readonly string[]) => Object.fromEntries(types.map((type) => [type, [{ type }]]))
    const anywhere = testModel(machine, { inputs: [undefined], events: events('mouse.up', 'key.down', 'whatever') })
    expect(gaps(anywhere.coverage)).toEqual([])
    const narrow = createMachine({ id: 'm', on: { 'mouse.*': {} } })
    expect(() => testModel(narrow, { inputs: [undefined], events: events('mouse', 'mouse.up.left') })).not.toThrow()
    for (const type of ['mous.up', 'mouseup', 'mice'])
      expect(() => testModel(narrow, { inputs: [undefined], events: events(type) })).toThrow(
        expect.objectContaining({ path: `events.${type}` }),
      )
  })

  it('F6 is what an invoked actor shows on its way, too', () => {
    const count = fromTransition((sum: number, event: { type: 'ADD'; by: number }) => sum + event.by, 0)
    const counter = setup({
      types: { context: {} as { sum: number }, events: {} as { type: 'STOP' } },
      actors: { count },
    }).createMachine({
      id: 'counter',
      context: { sum: 0 },
      initial: 'counting',
      states: {
        counting: {
          on: { STOP: 'full' },
          invoke: {
            src: 'count',
            onSnapshot: [
              { guard: ({ event }) => event.snapshot.context > 2, target: 'full' },
              { actions: assign({ sum: ({ event }) => event.snapshot.context }) },
            ],
          },
        },
        full: { type: 'final' },
      },
    })
    const none = createActor(count).getSnapshot()
    const options = {
      inputs: [undefined],
      events: { STOP: [{ type: 'STOP' }] } as const,
      key: ({ context }: { context: object }) => context,
    }
    const model = testModel(counter, {
      ...options,
      snapshots: {
        count: [
          { ...none, context: 2 },
          { ...none, context: 3 },
        ],
      },
    })
    expect(gaps(model.coverage)).toEqual([])
    expect(model.walks[0]!.vertices.map(({ snapshot }) => snapshot.context)).toContainEqual({ sum: 2 })
    expect(gaps(testModel(counter, options).coverage)).toContain('counter: never taken: counting: snapshot count 2/2 stays')
    expect(() => testModel(counter, { ...options, snapshots: { count: 5 as never } })).toThrow(
      expect.objectContaining({ path: 'snapshots.count' }),
    )
  })

  it.each<[string, (chosen: ReadonlySet<string>) => unknown]>([
    ['a Set', (chosen) => chosen],
    ['a Map', (chosen) => ({ deep: new Map([...chosen].map((name) => [name, true])) })],
    ['a bigint', (chosen) => BigInt(chosen.size)],
  ])('F6 differs by %s of the context, too', (_, key) => {
    const basket = setup({
      types: { context: {} as { chosen: ReadonlySet<string> }, events: {} as { type: 'CHOOSE'; name: string } },
    }).createMachine({
      id: 'basket',
      context: { chosen: new Set() },
      initial: 'open',
      states: {
        open: {
          on: { CHOOSE: { actions: assign({ chosen: ({ context, event }) => new Set([...context.chosen, event.name]) }) } },
          always: { guard: ({ context }) => context.chosen.size === 2, target: 'full' },
        },
        full: {},
      },
    })
    const { coverage } = testModel(basket, {
      inputs: [undefined],
      events: { CHOOSE: ['a', 'b'].map((name) => ({ type: 'CHOOSE', name })) },
      key: ({ context }) => key(context.chosen),
    })
    expect(gaps(coverage)).toEqual([])
  })
})
