import { describe, expect, it } from 'vitest'
import type { OperationRow } from '../../src/core/operation.ts'
import { watchInvariants } from '../../src/testing/invariants/index.ts'
import type { Fact, FactBody } from '../../src/testing/world/facts.ts'
import { drawSettings } from '../../src/testing/world/settings.ts'
import { choicesOf, replayedTape } from '../../src/testing/world/tape.ts'
import { createWorld } from '../../src/testing/world/world.ts'
import { queued as row } from '../support/queued.ts'

const cancelled: OperationRow = { ...row, rev: 2, status: 'cancelled' }
const parked: OperationRow = { ...row, rev: 2, status: 'parked' }

/** Of no age, whatever the clock says. */
const LATE = Number.MAX_SAFE_INTEGER

const about = { user: 'u1', entity: 'note', entityId: 'n1', type: 'update', operation: 'o1', client: 'c', at: LATE, changes: [] }
const enqueued = { ...about, action: 'enqueued', outcome: 'queued' }
const ended = { ...about, action: 'ended', outcome: 'cancelled' }

/** An entry as the store tells it. */
function entry(number: number, values: object): string {
  return `audit ${JSON.stringify({ ...values, number })}`
}

interface Change {
  readonly before?: OperationRow
  readonly row?: OperationRow
}

function commit(change: Change | undefined, ...others: readonly string[]): FactBody {
  const changes = change === undefined ? [] : [{ seq: 1, before: change.before, row: change.row }]
  return { type: 'committed', tab: 'd1.t1', device: 'd1', changes, others, lease: undefined, epoch: undefined }
}

/** What the checker of the audit says where nothing happens but this. */
function saidOf(facts: readonly FactBody[], audit: object | 'off' = { keepCount: 2 }): readonly string[] {
  const choices = choicesOf(replayedTape([]))
  const heard: Fact[] = []
  const settings = drawSettings(choices)
  const world = createWorld({
    settings: audit === 'off' ? settings : { ...settings, engine: { ...settings.engine, audit } },
    deviceCount: 1,
    tabsPerDevice: 1,
    choices,
    observe: (fact) => void heard.push(fact),
  })
  const watch = watchInvariants(world)
  for (const fact of facts) world.tell(fact)
  for (const fact of heard) watch.see(fact)
  watch.end()
  return watch.violations.flatMap(({ checker, sentence }) => (checker === 'audit' ? [sentence] : []))
}

const stored = commit({ row }, entry(1, enqueued))
const gone = commit({ before: row, row: cancelled }, entry(2, ended))
const accepted: FactBody = { type: 'accepted', tab: 'd1.t1', device: 'd1', user: 'u1', ticket: 1, ids: ['o1'] }

describe('the checker of the audit', () => {
  it('S26 says nothing of an operation that is enqueued and ends, and of what is too much and goes', () => {
    expect(saidOf([stored, accepted, gone, commit(undefined, 'audit/1 removed')], { keepCount: 1 })).toEqual([])
    expect(saidOf([commit({ row })], 'off')).toEqual([])
  })

  it.each<[string, RegExp, readonly FactBody[]]>([
    ['an operation is stored without an entry', /no entry, or not just one, tells that it was enqueued/, [commit({ row })]],
    ['it is told twice', /no entry, or not just one/, [commit({ row }, entry(1, enqueued), entry(2, enqueued))]],
    ['an entry is of another entity', /no entry, or not just one/, [commit({ row }, entry(1, { ...enqueued, entityId: 'n2' }))]],
    ['it ends without an entry', /is cancelled, but no entry/, [stored, commit({ before: row, row: cancelled })]],
    [
      'an entry says that it ended in another way',
      /is cancelled, but no entry/,
      [stored, commit({ before: row, row: cancelled }, entry(2, { ...ended, outcome: 'done' }))],
    ],
    ['it is parked without an entry', /is parked, but no entry/, [stored, commit({ before: row, row: parked })]],
    [
      'it is dismissed without an entry',
      /has dismissed o1/,
      [stored, gone, commit({ before: cancelled, row: { ...cancelled, dismissed: 1 } })],
    ],
    ['an entry is written by itself', /by itself/, [stored, commit(undefined, entry(2, ended))]],
    [
      'what others made is told without it',
      /by itself/,
      [commit(undefined, entry(1, { ...about, operation: undefined, action: 'pulled' }))],
    ],
    ['a number is missing', /After entry 1 came 3/, [stored, commit({ before: row, row: cancelled }, entry(3, ended))]],
    ['an entry is changed', /has changed entry 1/, [stored, commit({ row }, entry(1, enqueued))]],
    ['what was to be kept goes', /has removed entry 1, which was to be kept/, [stored, commit(undefined, 'audit/1 removed')]],
    [
      'the newest goes before the oldest',
      /has removed entry 2, but not the older 1/,
      [stored, gone, commit(undefined, 'audit 2 removed')],
    ],
    ['a token is in it', /holds a token/, [commit({ row }, entry(1, { ...enqueued, error: 'Bearer u1-1' }))]],
    [
      'a field is told that was left out',
      /tells of the field b/,
      [commit({ row }, entry(1, { ...enqueued, changes: [{ path: 'b', to: 1 }] }))],
    ],
    ['an end was never told', /told to have ended 0 times/, [stored, accepted]],
  ])('S26 tells where %s', (_, sentence, facts) => {
    expect(saidOf(facts)).toContainEqual(expect.stringMatching(sentence))
  })

  it('S26 tells of an entry where nothing is audited', () => {
    expect(saidOf([stored], 'off')).toContainEqual(expect.stringContaining('nothing is audited'))
  })
})
