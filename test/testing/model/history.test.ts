import { describe, expect, it } from 'vitest'
import { createMachine, stateIn } from 'xstate'
import { testModel } from '../../../src/testing/index.ts'

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
    expect([coverage.states.total, coverage.states.missing.includes('page.shown.last')]).toEqual([9, false])
  })
})
