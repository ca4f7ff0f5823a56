import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const pathOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const { judge } = (await import(pathOf('scripts/converge/judge.mjs'))) as { judge: (evidence: object) => string[] }

const kinds = {
  article: { conflict: 'merge' },
  task: { conflict: 'lastWriteWins', stamp: { field: 'editedAt', write: true } },
}
const operation = { entity: 'article', id: 'a', type: 'update', key: 'k', operationId: 'o', status: 'done' }
const conflict = {
  id: 'o.2',
  operationId: 'o',
  entity: 'article',
  entityId: 'a',
  type: 'update-update',
  strategy: 'merge',
  resolution: 'merged',
  resolvedAt: 1,
  remoteVersion: '1',
  payload: { title: 'ours', editedAt: '000000000000001-0000-left' },
  remote: { title: 'theirs', editedAt: '000000000000002-0000-right' },
  fields: [{ path: 'title', base: 'old', local: 'ours', remote: 'theirs' }],
}
const shown = { id: 'a', value: { id: 'a', title: 'ours', version: '2' }, version: '2', status: 'synced' }
const write = { ifMatch: '1', value: { title: 'ours' } }

/** A device that has edited one article, met a conflict and merged it, with what is different. */
function evidence(device: object = {}, server: object = {}): object {
  const left = {
    name: 'left',
    operations: [operation],
    conflicts: [conflict],
    detected: new Set(['o.2']),
    writes: new Map([['k.1', write]]),
  }
  return {
    kinds,
    state: { article: [{ id: 'a', title: 'ours', version: '2' }], task: [] },
    ledger: [{ key: 'k.1' }],
    devices: [{ ...left, views: { article: [shown], task: [] }, ...device }],
    ...server,
  }
}

const task = (change: object): object => ({
  operations: [{ ...operation, entity: 'task' }],
  conflicts: [{ ...conflict, entity: 'task', strategy: 'lastWriteWins', ...change }],
})

describe('the judge of two devices', () => {
  it('finds nothing where all is well', () => {
    expect(judge(evidence())).toEqual([])
  })

  it.each([
    [
      'S4 an effect that came twice, under its key or another one',
      evidence({}, { ledger: [{ key: 'k.1' }, { key: 'k' }] }),
      'doubled: k had 2',
    ],
    ['S1 a write that is done without an effect', evidence({}, { ledger: [] }), 'lost: left'],
    ['S4 an effect of what was rejected', evidence({ operations: [{ ...operation, status: 'rejected' }] }), 'wrong end: left'],
    [
      'a view without what the server has',
      evidence({ views: { article: [], task: [] } }),
      'different: left shows article/a as nothing',
    ],
    ['a view of what the server does not have', evidence({}, { state: { article: [], task: [] } }), 'the server has nothing'],
    ['another value', evidence({}, { state: { article: [{ id: 'a', title: 'x', version: '2' }], task: [] } }), 'different: left'],
    ['what is still pending', evidence({ views: { article: [{ ...shown, status: 'pending' }], task: [] } }), 'different: left'],
    ['a conflict that is missing in the inbox', evidence({ conflicts: [] }), 'missing: conflict o.2'],
    [
      'a conflict that still waits',
      evidence({ conflicts: [{ ...conflict, resolvedAt: undefined }] }),
      'wrong resolution: conflict o.2',
    ],
    ['another resolution', evidence({ conflicts: [{ ...conflict, resolution: 'remote' }] }), 'wrong resolution: conflict o.2'],
    ['another strategy', evidence({ conflicts: [{ ...conflict, strategy: 'localWins' }] }), 'wrong strategy: conflict o.2'],
    [
      'a merge that took the other side',
      evidence({ writes: new Map([['k.1', { ...write, value: { title: 'theirs' } }]]) }),
      'misapplied: title',
    ],
    ['an earlier write that won', evidence(task({})), 'misapplied: title of task/a became ours, not theirs'],
  ])('finds %s', (_what, given, sentence) => {
    expect(judge(given)).toContainEqual(expect.stringContaining(sentence))
  })

  it('takes it for no mistake that an edit is refused of what was gone when it was made, and only then', () => {
    const refused = { ...operation, status: 'rejected', lastError: { status: 404, message: 'There is none.' } }
    const judged = (wasGone: boolean): string[] =>
      judge(evidence({ operations: [{ ...refused, wasGone }], conflicts: [], detected: new Set() }, { ledger: [] }))
    expect(judged(true)).toEqual([])
    expect(judged(false)).toEqual([expect.stringContaining('wrong end: left')])
  })

  it('knows that the later write wins', () => {
    const [payload, remote] = [conflict.remote, conflict.payload]
    expect(judge(evidence(task({ payload: { ...payload, title: 'ours' }, remote })))).toEqual([])
  })
})

describe('two devices that edit the same entities through faults', () => {
  it('A7 S4 S12 come to what the server has, with every conflict settled as its strategy says and nothing applied twice', async () => {
    const args = [pathOf('scripts/converge.mjs'), '--seconds', '6', '--json']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<unknown[]>])
    const { examples, ...figures } = JSON.parse(stdout) as { examples: string[] } & Record<string, number>
    expect(examples).toEqual([])
    expect({ code, ...figures }).toMatchObject({ code: 0, agreed: true, wrong: 0 })
    expect(figures['operations']).toBeGreaterThan(20)
    expect(figures['faults']).toBeGreaterThan(0)
  }, 90_000)
})
