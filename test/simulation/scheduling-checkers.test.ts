import { describe, expect, it } from 'vitest'
import type { OperationRow } from '../../src/core/operation.ts'
import { traceText } from '../../src/core/trace-text.ts'
import type { TraceLine } from '../../src/core/trace.ts'
import type { FactBody, Sent } from '../../src/testing/world/facts.ts'
import { queued } from '../support/queued.ts'
import { saidBy } from '../support/told.ts'

const at = { tab: 'd1.t1', device: 'd1' } as const
const write = { method: 'PATCH', path: '/note/n1', headers: { Authorization: 'Bearer u1-77' }, body: '{}', key: 'o1' }
const BUDGET = { tokens: 2, ratio: 0.1 }

/** What a checker says is violated, where each of these happens so many milliseconds after the one before. */
function saidEvery(checker: string, everyMs: number, facts: readonly FactBody[]): Promise<readonly string[]> {
  const timed = facts.map((fact, place): [number, FactBody] => [everyMs * (place + 1), fact])
  return saidBy(checker, timed, everyMs * (facts.length + 1), (settings) => ({
    ...settings,
    engine: { ...settings.engine, retry: { ...settings.engine.retry, capMs: 20_000, budget: BUDGET } },
  }))
}

function request(number: number): Sent {
  return { ...write, ...at, user: 'u1', number, writes: [write] }
}

function failed(number: number, answer = '500'): readonly FactBody[] {
  return [
    { type: 'sent', request: request(number) },
    { type: 'answered', request: request(number), answer },
  ]
}

function claim(attempts: number): FactBody {
  const before: OperationRow = { ...queued, payload: {}, status: 'waiting', dueAt: 0, attempts }
  const row: OperationRow = { ...before, status: 'sending', attempts: attempts + 1, unknownAttempts: 1, rev: 2 }
  return { type: 'committed', ...at, changes: [{ seq: 1, before, row }], others: [], lease: undefined, epoch: undefined }
}

describe('the checker of budgets', () => {
  it('B7 tells of a retry while less than half of the tokens are left', async () => {
    expect(await saidEvery('budgets', 400, [...failed(1), ...failed(2), claim(1)])).toEqual(['B7'])
  })

  it.each<readonly [string, number, readonly FactBody[]]>([
    ['a first attempt', 400, [...failed(1), ...failed(2), claim(0)]],
    ['a retry after a single failure, which leaves half', 10_000, [...failed(1), claim(1)]],
    ['a retry after it was refilled', 15_000, [...failed(1), ...failed(2), claim(1)]],
    ['answers that are no failures', 400, [...failed(1, '412'), ...failed(2, '422'), claim(1)]],
    ['a failure that came while it was being claimed', 100, [...failed(1), ...failed(2), claim(1)]],
    [
      'another process',
      400,
      [...failed(1), ...failed(2), { type: 'tab', ...at, user: 'u1', change: 'killed', build: 1 }, claim(1)],
    ],
  ])('B7 says nothing of %s', async (_, everyMs, facts) => {
    expect(await saidEvery('budgets', everyMs, facts)).toEqual([])
  })
})

const did = (action: string, result = 'begun'): FactBody => ({ type: 'did', tab: at.tab, action, result })
const scheduled = did('scheduled', '1000')
const begins = did('synchronises')
const rests = (result: string): FactBody => ({ type: 'did', tab: 'nobody', action: 'rests', result })
const slept: FactBody = { type: 'fault', kind: 'slept', where: 'd1', seqs: [] }

describe('the checker of schedules', () => {
  it.each<readonly [string, number, readonly FactBody[]]>([
    ['it comes too soon', 500, [scheduled, begins]],
    ['it comes again too soon', 400, [scheduled, did('waits'), begins, begins]],
    ['it ceases', 20_000, [scheduled, begins, rests('begun'), rests('done')]],
  ])('B7 tells when %s', async (_, everyMs, facts) => {
    expect(new Set(await saidEvery('schedules', everyMs, facts))).toEqual(new Set(['B7']))
  })

  it.each<readonly [string, number, readonly FactBody[]]>([
    ['one that comes in time', 800, [scheduled, begins, rests('begun'), begins, rests('done')]],
    ['what somebody asks for', 500, [scheduled, did('asks to synchronise'), begins]],
    ['a clock that was set', 500, [scheduled, slept, begins, rests('begun'), rests('done')]],
    ['a tab without any', 500, [begins, begins]],
  ])('B7 says nothing of %s', async (_, everyMs, facts) => {
    expect(await saidEvery('schedules', everyMs, facts)).toEqual([])
  })
})

const LINES: readonly TraceLine[] = [
  { type: 'actor', at: 2, actor: 'a1', name: 'engine', machine: 'engine' },
  { type: 'step', at: 2, actor: 'a1', event: 'START', taken: [], value: 'starting' },
  { type: 'step', at: 3, actor: 'a1', event: 'STARTED', taken: [], value: { running: 'following' } },
]
const STATES = ['engine {"running":"following"}']

function recorded(text: string, states: readonly string[] = STATES, maxBytes = 1_000): FactBody {
  return { type: 'recorded', ...at, text, maxBytes, states }
}

const traceOf = (lines: readonly TraceLine[]): string => traceText({ actors: new Map(), at: 1 }, lines, 0)

describe('the checker of recordings', () => {
  it.each<readonly [string, readonly FactBody[]]>([
    ['it has no header', [recorded(traceOf(LINES).split('\n').slice(1).join('\n'))]],
    ['it has a line that is none', [recorded(`${traceOf(LINES)}{"type":"step"}\n`)]],
    ['it is larger than it may be', [recorded(traceOf(LINES), STATES, 100)]],
    [
      'it holds a token',
      [
        { type: 'sent', request: request(1) },
        recorded(traceOf([...LINES, { type: 'notice', at: 4, event: 'note', fields: { text: 'Bearer u1-77' } }])),
      ],
    ],
    ['it leads to another state', [recorded(traceOf(LINES.slice(0, 2)))]],
    ['it has a machine that is gone', [recorded(traceOf(LINES), [])]],
  ])('F3 tells when %s', async (_, facts) => {
    expect(await saidEvery('recording', 10, facts)).toEqual(['F3'])
  })

  it('F3 says nothing of one that leads to where the machines are, and counts no bytes of those that were there', async () => {
    const begin = new Map([
      [
        'a1',
        {
          actor: 'a1',
          name: 'engine',
          machine: 'engine',
          parent: undefined,
          engine: undefined,
          status: 'active',
          value: 'starting',
          taken: [],
          event: undefined,
          since: 1,
        },
      ],
    ] as const)
    const text = traceText({ actors: begin, at: 1 }, LINES.slice(2), 2)
    expect(await saidEvery('recording', 10, [recorded(text, STATES, 150), recorded(traceOf(LINES))])).toEqual([])
  })
})
