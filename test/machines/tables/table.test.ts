import { readdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { setup } from 'xstate'
import * as exported from '../../../machines/index.ts'
import { cases, stays, tableOf } from './table.ts'

const lamp = setup({ types: { events: {} as { type: 'ON' } | { type: 'OFF' } } }).createMachine({
  initial: 'dark',
  states: {
    dark: { on: { ON: 'lit' } },
    lit: { initial: 'bright', states: { bright: { after: { 10: 'dim' } }, dim: {} }, on: { OFF: 'dark' } },
  },
})

const events = { ON: cases({ gently: { type: 'ON' }, hard: { type: 'ON' } }), OFF: { type: 'OFF' } } as const
const own = { dark: [], 'lit.bright': ['after 10'], 'lit.dim': [] } as const
const dark = { ON: { gently: { to: 'lit.bright' }, hard: stays }, OFF: stays } as const
const bright = { ON: stays, OFF: { to: 'dark' }, 'after 10': { to: 'lit.dim' } } as const
const dim = { ON: stays, OFF: { to: 'dark' } } as const

it('F1 a table in which a state, an event, a timer or a case is missing does not compile', () => {
  const of = tableOf<typeof lamp>()
  const whole = of({ events, own, ownEvents: {}, table: { dark, 'lit.bright': bright, 'lit.dim': dim } })
  const lacking = [
    // @ts-expect-error a state
    of({ events, own, ownEvents: {}, table: { dark, 'lit.bright': bright } }),
    // @ts-expect-error an event
    of({ events, own, ownEvents: {}, table: { dark, 'lit.bright': bright, 'lit.dim': { ON: stays } } }),
    // @ts-expect-error a timer
    of({ events, own, ownEvents: {}, table: { dark, 'lit.bright': dim, 'lit.dim': dim } }),
    // @ts-expect-error a case
    of({ events, own, ownEvents: {}, table: { dark: { ...dark, ON: { hard: stays } }, 'lit.bright': bright, 'lit.dim': dim } }),
    // @ts-expect-error a stimulus for an event
    of({ events: { OFF: { type: 'OFF' } }, own, ownEvents: {}, table: { dark, 'lit.bright': bright, 'lit.dim': dim } }),
    // @ts-expect-error what may come in a state
    of({ events, own: { dark: [], 'lit.dim': [] }, ownEvents: {}, table: { dark, 'lit.dim': dim } }),
    // @ts-expect-error a state that there is to go to
    of({ events, own, ownEvents: {}, table: { dark: { ...dark, OFF: { to: 'lit' } }, 'lit.bright': bright, 'lit.dim': dim } }),
  ]
  expect([whole, ...lacking]).toHaveLength(8)
})

it('F1 each machine has its table', async () => {
  const files = await readdir(new URL('.', import.meta.url))
  const machines = Object.values(exported).flatMap((value) => (typeof value === 'object' ? [value.id] : []))
  expect(machines.filter((id) => !files.includes(`${id}.test.ts`))).toEqual([])
})
