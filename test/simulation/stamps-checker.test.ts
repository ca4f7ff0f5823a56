import { describe, expect, it } from 'vitest'
import type { FactBody } from '../../src/testing/world/facts.ts'
import { queued } from '../support/queued.ts'
import { saidBy } from '../support/told.ts'

/** What the tab asks for is stored with this stamp, by it or by another tab that asks for the same, and given to it. */
function enqueued(ticket: number, hlc: string, by: string): readonly FactBody[] {
  const row = { ...queued, id: `o${ticket}`, seq: ticket, hlc }
  const inputs = [{ type: 'update', entity: 'note', id: 'n1', payload: { a: 1 } }]
  return [
    { type: 'asked', tab: 'd1.t1', ticket, inputs },
    {
      ...{ type: 'committed', tab: by, device: 'd1', others: [], lease: undefined, epoch: undefined },
      changes: [{ seq: ticket, before: undefined, row }],
    },
    { type: 'accepted', tab: 'd1.t1', device: 'd1', user: 'u1', ticket, ids: [row.id] },
  ]
}

function said(by: string): Promise<readonly string[]> {
  const facts = [...enqueued(1, '000000000000009-0000-a', 'd1.t1'), ...enqueued(2, '000000000000005-0000-b', by)]
  const timed = facts.map((fact, place): [number, FactBody] => [place + 1, fact])
  return saidBy('stamps', timed, facts.length + 1, (settings) => ({ ...settings, conflict: 'lastWriteWins' }))
}

describe('the checker of stamps', () => {
  it('S12 tells of what is made before what its engine has seen', async () => {
    expect(await said('d1.t1')).toEqual(['S12'])
  })

  it('S12 says nothing of what another tab has made, where that was asked for the same (seed 40553)', async () => {
    expect(await said('d1.t2')).toEqual([])
  })
})
