import { describe, expect, it } from 'vitest'
import { assign, createMachine, fromPromise, setup, StateMachine } from 'xstate'
import { breakerMachine } from '../../../machines/breaker.ts'
import { lockMachine } from '../../../machines/lock.ts'
import { deadEnds, gaps, protocolBreaks, redundantTransitions, testModel, type Model } from '../../../src/testing/model/index.ts'
import { breakerInput } from '../../machines/models/breaker.ts'
import { lockOptions } from '../../machines/models/lock.ts'

type Lock = typeof lockMachine
type States = NonNullable<Lock['config']['states']>

/** The lock with some states changed. */
function altered(change: (states: States) => Readonly<Record<string, object>>): Lock {
  const states = { ...lockMachine.config.states, ...change(lockMachine.config.states!) } as States
  return new StateMachine({ ...lockMachine.config, states }, lockMachine.implementations) as Lock
}

function modelOf(machine: Lock): Model {
  return testModel(machine, lockOptions)
}

describe('a model tells of', () => {
  it('F1 nothing in a machine that is exercised', () => {
    const model = modelOf(altered(() => ({})))
    expect([gaps(model.coverage), redundantTransitions(model, model.walks)]).toEqual([[], []])
  })

  it('F1 a transition behind one that is always taken, by its name', () => {
    const { coverage } = modelOf(
      altered(({ claiming }) => ({
        claiming: { ...claiming, on: { POKE: [{ target: 'looking' }, { guard: 'isHeld', target: 'retrying' }] } },
      })),
    )
    expect(gaps(coverage)).toEqual([
      'lock: never taken: claiming: POKE 2/2 [isHeld] → retrying',
      'lock: a guard is never asked: claiming: POKE 2/2 [isHeld] → retrying',
    ])
  })

  it('F1 a transition of an event that never comes', () => {
    const { coverage } = modelOf(altered(({ claiming }) => ({ claiming: { ...claiming, on: { UNHEARD: 'looking' } } })))
    expect(gaps(coverage)).toEqual(['lock: never taken: claiming: UNHEARD → looking'])
  })

  it('F1 a state that nothing leads to, with its timers and the ends of its actors', () => {
    const { coverage } = modelOf(
      altered(() => ({
        forgotten: { after: { poll: 'looking' }, invoke: { src: 'look', onDone: 'looking', onError: 'retrying' } },
      })),
    )
    expect(gaps(coverage)).toEqual([
      'lock: the state forgotten is never reached',
      'lock: never taken: forgotten: done look → looking',
      'lock: never taken: forgotten: error look → retrying',
      'lock: never taken: forgotten: after poll → looking',
    ])
  })

  it('F1 a guard that always passes, and what it keeps from being taken', () => {
    const { coverage } = modelOf(lockMachine.provide({ guards: { isHeld: () => true } }))
    expect(gaps(coverage)).toEqual([
      'lock: never taken: claiming: done claim 2/2 → looking',
      'lock: never taken: holding.beating: done beat 2/2 → looking',
      'lock: a guard always passes: claiming: done claim 1/2 [isHeld] → holding',
      'lock: a guard always passes: holding.beating: done beat 1/2 [isHeld] → holding.resting',
    ])
  })

  it('F1 a guard that always refuses', () => {
    const { coverage } = modelOf(lockMachine.provide({ guards: { isStale: () => false } }))
    expect(gaps(coverage)).toEqual([
      'lock: never taken: looking: done look 2/3 [isStale] → claiming',
      'lock: a guard always refuses: looking: done look 2/3 [isStale] → claiming',
    ])
  })

  it('F1 a transition that says what the one around it says', () => {
    const model = modelOf(altered(({ retrying }) => ({ retrying: { ...retrying, on: { RELEASE: 'releasing' } } })))
    expect(gaps(model.coverage)).toEqual([])
    expect(redundantTransitions(model, model.walks)).toEqual(['retrying: RELEASE → releasing'])
  })

  it('F1 a state that can no longer be left for where it should', () => {
    const { walks } = modelOf(altered(() => ({ releasing: { on: { RELEASE: {} } } })))
    const stuck = walks.flatMap((walk) =>
      deadEnds(
        walk,
        ({ snapshot }) => snapshot.status === 'done',
        () => true,
      ),
    )
    expect(stuck).toHaveLength(walks[0]!.vertices.length)
  })

  it('F1 an action that comes out of turn, and the event that brought it', () => {
    const { walks } = modelOf(altered(({ holding }) => ({ holding: { ...holding, exit: [] } })))
    const [acquired, lost] = ['send LOCK.ACQUIRED to parent', 'send LOCK.LOST to parent'] as const
    const protocol = { '': [acquired], [acquired]: [lost], [lost]: [acquired] }
    expect(walks.flatMap((walk) => protocolBreaks(walk, protocol))).toEqual([
      `xstate.done.actor.0.lock.claiming: '${acquired}' after '${acquired}'`,
    ])
  })

  it('F1 a walk that does not end, for the key tells of what grows', () => {
    const walkBy = (key: (trips: number) => number) => () =>
      testModel(breakerMachine, {
        inputs: [{ ...breakerInput, failureThreshold: 1 }],
        events: {
          FAILURE: [{ type: 'FAILURE', at: 0 }],
          SUCCESS: [{ type: 'SUCCESS' }],
          PROBE: [{ type: 'PROBE' }],
          PROBE_ABANDONED: [{ type: 'PROBE_ABANDONED' }],
          RESET: [{ type: 'RESET' }],
        },
        key: ({ context }) => key(context.trips),
        limit: 1_000,
      })
    expect(walkBy((trips) => trips)).toThrow(expect.objectContaining({ code: 'endless-walk' }))
    expect(walkBy((trips) => Math.min(trips, 2))).not.toThrow()
  })

  it('F1 a machine that fails at its start', () => {
    const broken = setup({ types: { events: {} as { type: 'GO' } } }).createMachine({
      context: () => {
        throw new Error('no context')
      },
      on: { GO: {} },
    })
    expect(() => testModel(broken, { inputs: [undefined], events: { GO: [{ type: 'GO' }] } })).toThrow('no context')
  })

  it('F1 a machine that throws on its way, and where', () => {
    const loading = setup({
      types: { context: {} as { size: number }, events: {} as { type: 'GO' } },
      actors: { load: fromPromise<{ size: number }>(() => Promise.reject(new Error('not provided'))) },
    }).createMachine({
      id: 'loader',
      context: { size: 0 },
      initial: 'idle',
      states: {
        idle: { on: { GO: 'loading' } },
        loading: { invoke: { src: 'load', onDone: { actions: assign({ size: ({ event }) => event.output.size }) } } },
      },
    })
    const options = { inputs: [undefined], events: { GO: [{ type: 'GO' }] } } as const
    expect(() => testModel(loading, options)).toThrow(
      expect.objectContaining({
        name: 'SyncError',
        code: 'machine-fails',
        message: expect.stringContaining('loader fails in "loading" at xstate.done.actor.0.loader.loading: '),
        cause: expect.any(TypeError),
      }),
    )
    expect(() => testModel(loading, { ...options, outputs: { load: [{ size: 1 }] } })).not.toThrow()
  })

  it('F1 a machine that goes round in circles', () => {
    const circling = createMachine({
      id: 'circling',
      initial: 'still',
      states: { still: { on: { GO: 'there' } }, there: { always: 'back' }, back: { always: 'there' } },
    })
    expect(() => testModel(circling, { inputs: [undefined], events: { GO: [{ type: 'GO' }] } })).toThrow(
      expect.objectContaining({ code: 'machine-fails', message: expect.stringContaining('circling fails in "still" at GO: ') }),
    )
  })
})
