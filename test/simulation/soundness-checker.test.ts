import { describe, expect, it } from 'vitest'
import type { OperationRow } from '../../src/core/operation.ts'
import { createWorld } from '../../src/testing/world/world.ts'
import { watchInvariants } from '../../src/testing/invariants/index.ts'
import type { Fact, FactBody } from '../../src/testing/world/facts.ts'
import { drawSettings } from '../../src/testing/world/settings.ts'
import { choicesOf, replayedTape } from '../../src/testing/world/tape.ts'

const at = { tab: 'd1.t1', device: 'd1' } as const

function told(facts: readonly FactBody[]): readonly string[] {
  const choices = choicesOf(replayedTape([]))
  const heard: Fact[] = []
  const observe = (fact: Fact): void => void heard.push(fact)
  const world = createWorld({ settings: drawSettings(choices), deviceCount: 1, tabsPerDevice: 2, choices, observe })
  const watch = watchInvariants(world)
  for (const fact of facts) world.tell(fact)
  for (const fact of heard) watch.see(fact)
  return watch.violations.filter(({ checker }) => checker === 'soundness').map(({ sentence }) => sentence)
}

const call = {}

function checked(result: string, problems: readonly string[] = [], isAtRest = false, repair = false): FactBody {
  return { type: 'checked', call, ...at, isCompared: false, isUndecided: false, repair, isAtRest, result, problems }
}

const asked = checked('asked')
const damaged: FactBody = { type: 'fault', kind: 'corrupt-row', where: 'd1', seqs: [3] }
const found = 'unreadable operations 3: it can not be read'
const row: OperationRow = {
  seq: 3,
  id: 'o3',
  rev: 1,
  user: 'u1',
  type: 'update',
  entity: 'note',
  entityId: 'n1',
  payload: {},
  status: 'queued',
  priority: 'medium',
  idempotencyKey: 'o3',
  enqueuedAt: 0,
  attempts: 0,
  unknownAttempts: 0,
  reconciliations: 0,
}
const removed: FactBody = {
  type: 'committed',
  ...at,
  changes: [{ seq: 3, before: row, row: undefined }],
  others: [],
  lease: undefined,
  epoch: undefined,
}

/** The row of an operation that has ended stands in a lane, or the row of a conflict says that it stands where it does not. */
const misplaced: FactBody = {
  type: 'fault',
  kind: 'misplaced-row',
  where: 'd1',
  seqs: [3],
  decayed: { collection: 'operations', key: 3, user: 'u1', field: 'lane', wrong: 'u1/note/n1' },
}
const wrongField: FactBody = {
  type: 'fault',
  kind: 'wrong-field',
  where: 'd1',
  seqs: [3],
  decayed: { collection: 'operations', key: 3, user: 'u1', field: 'rank', wrong: undefined },
}
const wrongConflict: FactBody = {
  type: 'fault',
  kind: 'wrong-field',
  where: 'd1',
  seqs: [],
  decayed: { collection: 'conflicts', key: 'o3.1', user: 'u1', field: 'since', wrong: 1 },
}
const wrongReplica: FactBody = {
  type: 'fault',
  kind: 'wrong-replica',
  where: 'd1',
  seqs: [],
  decayed: { collection: 'entities', key: 'u1/note/n1', user: 'u1', field: 'version', wrong: undefined },
}
const wrongEntity: FactBody = {
  type: 'fault',
  kind: 'wrong-field',
  where: 'd1',
  seqs: [],
  decayed: { collection: 'entities', key: 'u1/note/n1', user: 'u1', field: 'deletedAt', wrong: 1 },
}
const differs = 'differs entities u1/note/n1: the server has another'
/** A check that asks the server, too. */
const compared = (result: string, problems: readonly string[] = [], isUndecided = false): FactBody =>
  ({ ...checked(result, problems), isCompared: true, isUndecided }) as FactBody
const started: FactBody = { type: 'tab', ...at, user: 'u1', change: 'starting', build: 1 }
const foundPlace = 'place operations 3: it does not stand where it belongs'
const foundField = 'field operations 3: it contradicts'
const asksToRepair = checked('asked', [], false, true)
const repaired = (problems: readonly string[]): FactBody => checked('done', problems, false, true)
const written = (after: Partial<OperationRow>): FactBody => ({
  ...removed,
  changes: [{ seq: 3, before: row, row: { ...row, ...after } }],
})

describe('F4 the checker of checks', () => {
  it.each<[string, readonly FactBody[]]>([
    ['something is found in a sound store', [asked, checked('done', ['field operations 1: contradicts'])]],
    ['something else is found than what is damaged', [damaged, asked, checked('done', [found, 'place entities x: not there'])]],
    ['what is damaged is not found', [damaged, asked, checked('done')]],
    ['a check removes an operation', [damaged, asked, removed, checked('done')]],
    ['something is left at rest', [damaged, checked('asked', [], true), checked('done', [found], true)]],
    ['what is misplaced is not found', [started, misplaced, asked, checked('done')]],
    ['a wrong field is not found', [started, wrongField, asked, checked('done')]],
    ['a wrong conflict is not found', [started, wrongConflict, asked, checked('done')]],
    [
      'another row than the misplaced one is found',
      [started, misplaced, asked, checked('done', [foundPlace, 'place operations 4: no'])],
    ],
    ['a repair leaves what is misplaced', [started, misplaced, asksToRepair, repaired([foundPlace])]],
    ['it is found though it was put right before', [started, misplaced, written({}), asked, checked('done', [foundPlace])]],
    [
      'it is found though the field was put right',
      [started, wrongField, written({ rank: 5 }), asked, checked('done', [foundField])],
    ],
    ['the server is said to have something else than what is sound', [started, compared('asked'), compared('done', [differs])]],
    ['what differs from the server is not found', [started, wrongReplica, compared('asked'), compared('done')]],
    [
      'another is said to differ',
      [started, wrongReplica, compared('asked'), compared('done', [differs, 'differs entities u1/note/n2: no'])],
    ],
  ])('S32 tells where %s', (_, facts) => {
    expect(told(facts)).toHaveLength(1)
  })

  it.each<[string, readonly FactBody[]]>([
    ['nothing is found', [asked, checked('done')]],
    ['what is damaged is found', [damaged, asked, checked('done', [found])]],
    ['it was damaged in the midst of the check', [asked, damaged, checked('done')]],
    ['it was discarded before', [damaged, removed, asked, checked('done')]],
    ['the store lost power', [{ type: 'fault', kind: 'power-loss', where: 'd1', seqs: [] }, asked, checked('done', [found])]],
    ['the check failed', [damaged, asked, checked('storage-closed')]],
    ['what is misplaced is found', [started, misplaced, asked, checked('done', [foundPlace])]],
    ['it is found and put right', [started, wrongField, asksToRepair, written({ rank: 5 }), repaired([foundField])]],
    ['it is found while somebody puts it right', [started, misplaced, asked, written({}), checked('done', [foundPlace])]],
    [
      'its tab slept in the midst of the check that puts it right',
      [
        started,
        wrongField,
        asksToRepair,
        { ...started, change: 'frozen' },
        { ...started, change: 'resumed' },
        written({ rank: 5 }),
        repaired([foundField]),
      ],
    ],
    [
      'another logs in in the midst of the check that finds it',
      [started, misplaced, asked, { ...started, user: 'u2' }, checked('done', [foundPlace])],
    ],
    ['it was written with its wrong field, and found', [started, wrongField, written({}), asked, checked('done', [foundField])]],
    [
      'another check that began before it is done after',
      [started, { ...asked, call: {} } as FactBody, misplaced, asked, checked('done', [foundPlace])],
    ],
    [
      'an entity was written with its wrong field, and found',
      [
        started,
        wrongEntity,
        { ...removed, changes: [], others: ['entities {"key":"u1/note/n1","deletedAt":1,"value":{}}'] },
        asked,
        checked('done', ['field entities u1/note/n1: gone']),
      ],
    ],
    ["it is another user's", [{ ...started, user: 'u2' }, misplaced, asked, checked('done')]],
    [
      'an operation waits for the conflict that is wrong',
      [started, wrongConflict, asked, checked('done', ['field conflicts o3.1: no', 'conflict operations 3: waits'])],
    ],
    ['it can not be read any more', [started, misplaced, damaged, asked, checked('done', [found])]],
    ['what differs from the server is found', [started, wrongReplica, compared('asked'), compared('done', [differs])]],
    ['the server was not asked', [started, wrongReplica, asked, checked('done')]],
    ['the server did not answer', [started, wrongReplica, compared('asked'), compared('done', [], true)]],
  ])('S32 says nothing where %s', (_, facts) => {
    expect(told(facts)).toEqual([])
  })
})
