import { pullMachine, type PageInput } from '../../../machines/pull.ts'
import { pageResult, partsResult, pullInput, pullModel, REST_MS, RETRY_MS } from '../models/pull.ts'
import { checkTable } from './check-table.ts'
import { cases, stays, tableOf } from './table.ts'

const BROKEN_MS = 60_000

function page(entity: string, failures = 0, full = false): PageInput {
  return { entity, full, failures }
}

function part(entity: string, scope: string, failures = 0, full = false): PageInput {
  return { entity, scope, full, failures }
}

const all = [page('note'), page('task')]
const full = page('note', 2, true)

const byItself = { given: pullInput(['note', 'task']) } as const
const onlyAsked = { given: pullInput([]) } as const
/** The second of two kinds is under way, and the first is to be tried again. */
const lastOfTwo = { queue: [page('task', 2, true)], failed: [page('note', 1)], delayMs: 900 } as const

const pulls = { to: 'going.pulling', does: ['start page'] } as const
const nextPage = { to: 'going.pulling', does: ['stop page', 'start page'] } as const
const ends = { queue: [], failed: [page('note', 1)] } as const

checkTable(
  pullMachine,
  pullModel,
  tableOf<typeof pullMachine>()({
    events: {
      GO: cases({
        'with what is pulled by itself': { given: { ...byItself.given, queue: [], failed: [full] }, comes: { type: 'GO' } },
        'with nothing to pull': { given: { ...onlyAsked.given, queue: [], failed: [] }, comes: { type: 'GO' } },
      }),
      HOLD: { type: 'HOLD' },
      PULL: cases({
        'of another kind': {
          given: { queue: [full], failed: [page('task', 1)], delayMs: 900 },
          comes: { type: 'PULL', targets: [{ entity: 'tag', full: false }] },
        },
        'of the first kind': {
          given: { queue: [full], failed: [] },
          comes: { type: 'PULL', targets: [{ entity: 'note', full: false }] },
        },
        'of a kind of which parts are to be pulled': {
          given: { queue: [full, part('task', 'mine', 2)], failed: [] },
          comes: { type: 'PULL', targets: [{ entity: 'task', full: false }] },
        },
        'from the beginning': {
          given: { queue: [page('tag'), page('note', 1)], failed: [] },
          comes: { type: 'PULL', targets: [{ entity: 'note', full: true }] },
        },
      }),
    },
    own: {
      held: [],
      'going.choosing': 'transient',
      'going.pulling': ['done page', 'error page'],
      'going.waiting': ['after wait'],
      'going.idle': [],
    },
    ownEvents: {
      'done page': cases({
        'with more': { given: lastOfTwo, comes: pageResult('more', true) },
        'with the parts of which one is wanted already': {
          given: { ...lastOfTwo, queue: [page('task', 0, true), page('note'), part('task', 'mine', 2)] },
          comes: partsResult(['theirs', 'mine']),
        },
        'with no parts': { given: { ...lastOfTwo, queue: all, failed: [] }, comes: partsResult([]) },
        'with the last of one kind of two': {
          given: { ...lastOfTwo, queue: all },
          comes: pageResult('complete', false, REST_MS),
        },
        'with the last of all': { given: { ...lastOfTwo, failed: [] }, comes: pageResult('complete', false, REST_MS) },
        'with the last of all, and nothing to do': {
          given: { queue: all.slice(0, 1), failed: [], delayMs: Infinity },
          comes: pageResult('complete', false),
        },
        'with a failure': { given: lastOfTwo, comes: pageResult('failed', false, RETRY_MS) },
        'with a failure after it began': { given: lastOfTwo, comes: pageResult('failed', true, 2_000) },
        'without credentials': { given: lastOfTwo, comes: pageResult('auth', true) },
        'fenced off': { given: lastOfTwo, comes: pageResult('fenced', false) },
      }),
      'error page': { given: { queue: all, failed: [], delayMs: Infinity }, comes: new Error('broken') },
      'after wait': cases({
        'with what is pulled by itself': {
          given: { ...byItself.given, queue: [], failed: [page('task', 1, true)], delayMs: 900 },
        },
        'with what failed': { given: { ...onlyAsked.given, queue: [], failed: [full], delayMs: 900 } },
      }),
    },
    table: {
      held: {
        GO: {
          'with what is pulled by itself': { ...pulls, sets: { queue: [full, page('task')], failed: [] } },
          'with nothing to pull': { to: 'going.idle' },
        },
        HOLD: stays,
        PULL: {
          'of another kind': { to: 'held', sets: { queue: [full, page('task', 1), page('tag')], failed: [], delayMs: Infinity } },
          'of the first kind': stays,
          'of a kind of which parts are to be pulled': {
            to: 'held',
            sets: { queue: [full, page('task'), part('task', 'mine', 2)] },
          },
          'from the beginning': { to: 'held', sets: { queue: [page('tag'), page('note', 1, true)] } },
        },
      },
      'going.pulling': {
        GO: stays,
        HOLD: { to: 'held', does: ['stop page'] },
        PULL: {
          'of another kind': { to: 'going.pulling', sets: { queue: [full, page('tag')] } },
          'of the first kind': { to: 'going.pulling', sets: { queue: [full, page('note')] } },
          'of a kind of which parts are to be pulled': {
            to: 'going.pulling',
            sets: { queue: [full, page('task'), part('task', 'mine', 2)] },
          },
          'from the beginning': { to: 'going.pulling', sets: { queue: [page('tag'), page('note', 1, true)] } },
        },
        'done page': {
          'with more': { ...nextPage, sets: { queue: [page('task')] } },
          'with the parts of which one is wanted already': {
            ...nextPage,
            sets: { queue: [part('task', 'theirs', 0, true), part('task', 'mine', 2, true), page('note')] },
          },
          'with no parts': { ...nextPage, sets: { queue: all.slice(1) } },
          'with the last of one kind of two': { ...nextPage, sets: { queue: all.slice(1) } },
          'with the last of all': { to: 'going.waiting', does: ['stop page', 'wait 900 ms'], sets: { queue: [] } },
          'with the last of all, and nothing to do': { to: 'going.idle', does: ['stop page'], sets: { queue: [] } },
          'with a failure': {
            to: 'going.waiting',
            does: ['stop page', `wait ${RETRY_MS} ms`],
            sets: { ...ends, failed: [...ends.failed, page('task', 3, true)], delayMs: RETRY_MS },
          },
          'with a failure after it began': {
            to: 'going.waiting',
            does: ['stop page', 'wait 900 ms'],
            sets: { ...ends, failed: [...ends.failed, page('task', 3)] },
          },
          'without credentials': {
            to: 'held',
            does: ['stop page', 'send PULL.AUTH_NEEDED to parent'],
            sets: { queue: [page('task')] },
          },
          'fenced off': {
            to: 'held',
            does: ['stop page', 'send PULL.FENCED to parent'],
            sets: { queue: [page('task', 0, true)] },
          },
        },
        'error page': { ...nextPage, sets: { queue: all.slice(1), failed: [page('note', 1)], delayMs: BROKEN_MS } },
      },
      'going.waiting': {
        GO: stays,
        HOLD: { to: 'held' },
        PULL: {
          'of another kind': { ...pulls, sets: { queue: [full, page('task', 1), page('tag')], failed: [], delayMs: Infinity } },
          'of the first kind': { ...pulls, sets: { delayMs: Infinity } },
          'of a kind of which parts are to be pulled': {
            ...pulls,
            sets: { queue: [full, page('task'), part('task', 'mine', 2)], delayMs: Infinity },
          },
          'from the beginning': { ...pulls, sets: { queue: [page('tag'), page('note', 1, true)], delayMs: Infinity } },
        },
        'after wait': {
          'with what is pulled by itself': {
            ...pulls,
            sets: { queue: [page('task', 1, true), page('note')], failed: [], delayMs: Infinity },
          },
          'with what failed': { ...pulls, sets: { queue: [full], failed: [], delayMs: Infinity } },
        },
      },
      'going.idle': {
        GO: stays,
        HOLD: { to: 'held' },
        PULL: {
          'of another kind': { ...pulls, sets: { queue: [full, page('task', 1), page('tag')], failed: [], delayMs: Infinity } },
          'of the first kind': pulls,
          'of a kind of which parts are to be pulled': {
            ...pulls,
            sets: { queue: [full, page('task'), part('task', 'mine', 2)] },
          },
          'from the beginning': { ...pulls, sets: { queue: [page('tag'), page('note', 1, true)] } },
        },
      },
    },
  }),
)
