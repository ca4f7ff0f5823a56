import { describe, expect, it } from 'vitest'
import type { OperationRow } from '../../src/core/operation.ts'
import { finish } from '../../src/core/rows.ts'
import { watchInvariants } from '../../src/testing/invariants/index.ts'
import type { Fact, FactBody } from '../../src/testing/world/facts.ts'
import { drawSettings } from '../../src/testing/world/settings.ts'
import { choicesOf, replayedTape } from '../../src/testing/world/tape.ts'
import { createWorld, type World } from '../../src/testing/world/world.ts'

const create: OperationRow = {
  seq: 1,
  id: 'o1',
  rev: 1,
  user: 'u1',
  type: 'create',
  entity: 'folder',
  entityId: 'temp1',
  payload: { name: 1 },
  status: 'queued',
  priority: 'medium',
  idempotencyKey: 'o1',
  enqueuedAt: 0,
  attempts: 0,
  unknownAttempts: 0,
  reconciliations: 0,
  lane: 'u1/folder/temp1',
}
const page = (folder: string, more: Partial<OperationRow> = {}): OperationRow => ({
  ...create,
  seq: 2,
  id: 'o2',
  idempotencyKey: 'o2',
  entity: 'page',
  entityId: 'p1',
  lane: 'u1/page/p1',
  payload: { folder },
  ...more,
})
const sending = (row: OperationRow): OperationRow => ({
  ...row,
  rev: row.rev + 1,
  status: 'sending',
  attempts: 1,
  request: { method: 'POST', path: `/${row.entity}`, headers: {}, body: JSON.stringify(row.payload) },
})
const done = finish({ ...create, entityId: 'f1' }, 'done', 1)

const at = { tab: 'd1.t1', device: 'd1' } as const
const writes = (...rows: readonly [before: OperationRow | undefined, row: OperationRow][]): FactBody => ({
  type: 'committed',
  ...at,
  changes: rows.map(([before, row]) => ({ seq: row.seq, before, row })),
  others: [],
  lease: undefined,
  epoch: undefined,
})
const stores = (...others: readonly object[]): FactBody => ({
  type: 'committed',
  ...at,
  changes: [],
  others: others.map((row) => `entities ${JSON.stringify(row)}`),
  lease: undefined,
  epoch: undefined,
})
const shows = (id: string, value: object | undefined): FactBody => ({
  type: 'shown',
  ...at,
  user: 'u1',
  entity: 'folder',
  id,
  value: value === undefined ? undefined : { id },
  status: 'synced',
})
const RENAMED = { key: 'u1/folder/temp1', movedTo: 'f1', deletedAt: 9 }
const VALUE = { key: 'u1/folder/f1', version: '1', value: { id: 'f1' } }
const LATER: FactBody = { type: 'unsent', tab: 'd1.t1' }

/** What the checker of names says of a world in which nothing happens but what the test tells. */
function saidOf(facts: readonly FactBody[], prepare: (world: World) => void = () => {}): readonly string[] {
  const choices = choicesOf(replayedTape([]))
  const heard: Fact[] = []
  const settings = { ...drawSettings(choices), hasFolders: true }
  const world = createWorld({ settings, deviceCount: 1, tabsPerDevice: 2, choices, observe: (fact) => void heard.push(fact) })
  prepare(world)
  const watch = watchInvariants(world)
  for (const fact of facts) world.tell(fact)
  for (const fact of heard) watch.see(fact)
  watch.end()
  return watch.violations.flatMap(({ invariant, sentence, checker }) => (checker === 'names' ? [`${invariant} ${sentence}`] : []))
}

describe('the checker of names', () => {
  it('S9 tells of a temporary id that leaves after the server has given another', () => {
    const before = [writes([undefined, create]), writes([create, done])]
    const late = page('temp1')
    expect(saidOf([...before, writes([undefined, late]), writes([late, sending(late)])]).join()).toContain(
      'the temporary id temp1',
    )
    const named = page('f1')
    expect(saidOf([...before, writes([undefined, named]), writes([named, sending(named)])])).toEqual([])
    const own = page('', { entity: 'folder', entityId: 'temp1', type: 'update', payload: {} })
    const request = { method: 'PATCH', path: '/folder/temp1', headers: {}, body: '{}' }
    expect(saidOf([...before, writes([own, { ...sending(own), request }])]).join()).toContain('the temporary id temp1')
  })

  it('S9 tells of a child that leaves before what it names is made, and of none that names what nobody makes', () => {
    const child = page('temp1')
    const facts = [writes([undefined, create]), writes([undefined, child]), writes([child, sending(child)])]
    expect(saidOf(facts).join()).toContain('sends o2 before o1')
    expect(saidOf(facts.slice(1))).toEqual([])
    const renamed = { ...child, rev: 2, payload: { folder: 'f1' } }
    expect(saidOf([...facts.slice(0, 2), writes([create, done], [child, renamed]), writes([renamed, sending(renamed)])])).toEqual(
      [],
    )
  })

  it('S14 tells of two rows of one folder, unless a pull had brought it before, and of none', () => {
    const answered = stores(VALUE, RENAMED)
    const both = [shows('temp1', {}), shows('f1', {}), LATER]
    expect(saidOf([answered, ...both]).join()).toContain('shows both')
    expect(saidOf([stores(VALUE), answered, ...both])).toEqual([])
    expect(saidOf([answered, shows('temp1', {}), LATER, shows('f1', {}), shows('temp1', undefined), LATER])).toEqual([])
    expect(saidOf([answered, shows('temp1', {}), LATER, shows('temp1', undefined), LATER]).join()).toContain('shows neither')
    expect(saidOf([answered, shows('temp2', {}), LATER])).toEqual([])
    const gone = stores({ key: 'u1/folder/f1', version: '2', deletedAt: 3 })
    expect(saidOf([answered, gone, shows('temp1', undefined), LATER])).toEqual([])
  })

  it('S9 tells of what the server is left with that names nothing it ever had', () => {
    const put = (folder: string) => (world: World) => {
      const headers = { 'Idempotency-Key': '"k"', Authorization: `Bearer ${world.server.issueToken('u1')}` }
      world.server.handle({ method: 'PUT', path: '/page/p1', headers, body: JSON.stringify({ folder, meta: { also: [] } }) })
    }
    expect(saidOf([], put('f99')).join()).toContain('/page/p1 names the folder f99')
    expect(saidOf([], put('temp9'))).toEqual([])
  })
})
