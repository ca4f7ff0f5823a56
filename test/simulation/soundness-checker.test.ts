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

function checked(result: string, problems: readonly string[] = [], isAtRest = false): FactBody {
  return { type: 'checked', ...at, repair: false, isAtRest, result, problems }
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

describe('F4 the checker of checks', () => {
  it.each<[string, readonly FactBody[]]>([
    ['something is found in a sound store', [asked, checked('done', ['field operations 1: contradicts'])]],
    ['something else is found than what is damaged', [damaged, asked, checked('done', [found, 'place entities x: not there'])]],
    ['what is damaged is not found', [damaged, asked, checked('done')]],
    ['a check removes an operation', [damaged, asked, removed, checked('done')]],
    ['something is left at rest', [damaged, checked('asked', [], true), checked('done', [found], true)]],
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
  ])('S32 says nothing where %s', (_, facts) => {
    expect(told(facts)).toEqual([])
  })
})
