import { expect } from 'vitest'
import { conflictMachine } from '../../../machines/conflict.ts'
import { TimeoutError } from '../../../src/core/errors.ts'
import { conflictModel } from '../models/conflict.ts'
import { checkTable } from './check-table.ts'
import { cases, tableOf } from './table.ts'

const bug = new TypeError('Bug in the application.')

checkTable(
  conflictMachine,
  conflictModel,
  tableOf<typeof conflictMachine>()({
    events: { EXPIRED: { type: 'EXPIRED' } },
    own: { detected: 'transient', deciding: ['done decide', 'error decide'], resolved: 'final', parked: 'final' },
    ownEvents: {
      'done decide': cases({
        'B4 takes a side': 'remote',
        'B4 gives a value': { value: { title: 'both' } },
        'B5 leaves it to a person': 'manual',
        'B5 leaves it to a person who has seen it': { given: { wasSeen: true }, comes: 'manual' },
      }),
      'error decide': bug,
    },
    table: {
      deciding: {
        EXPIRED: { to: 'parked', does: ['stop decide'], sets: { error: expect.any(TimeoutError) } },
        'done decide': {
          'B4 takes a side': { to: 'resolved', does: ['stop decide'], sets: { settlement: 'remote' } },
          'B4 gives a value': { to: 'resolved', does: ['stop decide'], sets: { settlement: { value: { title: 'both' } } } },
          'B5 leaves it to a person': { to: 'parked', does: ['stop decide'] },
          'B5 leaves it to a person who has seen it': { to: 'resolved', does: ['stop decide'], sets: { settlement: 'local' } },
        },
        'error decide': { to: 'parked', does: ['stop decide'], sets: { error: bug } },
      },
    },
  }),
)
