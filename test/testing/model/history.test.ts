import { describe, expect, it } from 'vitest'
import { createMachine, stateIn } from 'xstate'
import { gaps, testModel } from '../../../src/testing/index.ts'

/** Only who leaves the second page, and rings meanwhile, is answered there. */
const player = createMachine({
  id: 'player',
  type: 'parallel',
  states: {
    page: {
      initial: 'shown',
      states: {
        shown: {
          initial: 'first',
          on: { HIDE: 'hidden' },
          states: {
            first: { on: { NEXT: 'second' } },
            second: { on: { ANSWER: { guard: stateIn({ bell: 'rung' }), target: '#player.page.answered' } } },
            last: { type: 'history' },
          },
        },
        hidden: { on: { SHOW: 'shown.last' } },
        answered: {},
      },
    },
    bell: {
      initial: 'silent',
      states: {
        silent: { on: { RING: { guard: stateIn({ page: 'hidden' }), target: 'rung' } } },
        rung: { on: { NEXT: 'silent' } },
      },
    },
  },
})
const events = Object.fromEntries(['HIDE', 'NEXT', 'ANSWER', 'SHOW', 'RING'].map((type) => [type, [{ type }]]))

describe('a model of a machine with a history', () => {
  const { coverage } = testModel(player, { inputs: [undefined], events })

  it('F1 does not ask that anybody be in the history itself', () => {
    expect(coverage.states).toEqual({ total: 9, missing: [] })
  })

  it('F1 comes to what only that leads to which the history remembers', () => {
    expect(gaps(coverage)).toEqual([])
  })
})
