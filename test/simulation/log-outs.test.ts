import { describe, expect, it } from 'vitest'
import type { OperationRow } from '../../src/core/operation.ts'
import { sessionName } from '../../src/core/session.ts'
import type { FactBody, Sent } from '../../src/testing/world/facts.ts'
import { invariantsIn } from '../support/told.ts'
import { queued as row } from '../support/queued.ts'

const at = { tab: 'd1.t1', device: 'd1' } as const

function committed(before: OperationRow | undefined, after: OperationRow | undefined, others: readonly string[] = []): FactBody {
  const changes = before === undefined && after === undefined ? [] : [{ seq: 1, before, row: after }]
  return { type: 'committed', ...at, changes, others, lease: undefined, epoch: undefined }
}

function session(epoch: number, stage?: 'asked' | 'wiping'): FactBody {
  return committed(undefined, undefined, [`meta ${JSON.stringify({ name: sessionName('u1'), rev: epoch, epoch, stage })}`])
}

function logOut(pending: 'keep' | 'wipe' | 'block', result: string, givenUp = 0): FactBody {
  return { type: 'log-out', ...at, user: 'u1', pending, result, givenUp }
}

const tab = (change: 'starting' | 'started' | 'stopped'): FactBody => ({ type: 'tab', ...at, user: 'u1', change, build: 1 })

const stopped: FactBody = { type: 'event', ...at, event: { type: 'engine:stopped', at: 0 } }

/** The lease of the user, as a tab writes it. */
function leased(owner: string, epoch: number): FactBody {
  const lease = { name: 'lease', owner, epoch, beat: 0, rev: epoch, user: 'u1' } as const
  return { type: 'committed', ...at, changes: [], others: [], lease, epoch: undefined }
}

const content = { method: 'PATCH', path: '/note/n1', headers: { Authorization: 'Bearer u1-1' }, body: '{}' }
const request: Sent = { ...content, ...at, user: 'u1', number: 1, writes: [{ ...content, key: 'o1' }] }
const sent: FactBody = { type: 'sent', request }

const stored = committed(undefined, row)
const removed = committed(row, undefined)
const wiped = [stored, logOut('wipe', 'asked'), session(1, 'wiping'), removed, session(1)]

describe('the checker of log-outs', () => {
  it.each<readonly [string, readonly FactBody[]]>([
    ['what was given up is sent', [...wiped, sent]],
    ['it is told that nothing was given up', [...wiped, logOut('wipe', 'done', 0)]],
    ['a log-out that was to lose nothing gives something up', [stored, logOut('block', 'asked'), session(1, 'wiping'), removed]],
    ['one that keeps begins to wipe', [stored, logOut('keep', 'asked'), session(1, 'wiping')]],
    [
      'a tab is started before all was removed',
      [stored, logOut('wipe', 'asked'), session(1, 'wiping'), tab('starting'), tab('started')],
    ],
    [
      'a tab of before accepts something',
      [tab('starting'), tab('started'), logOut('wipe', 'asked'), session(1, 'wiping'), session(1), stored],
    ],
    ['the lease of who has logged in since is taken away', [...wiped, leased('d1.t2', 1), leased('', 2)]],
    ['an engine stops unheard', [tab('starting'), tab('started'), tab('stopped')]],
    ['an engine tells twice that it has stopped', [tab('starting'), tab('started'), stopped, stopped, tab('stopped')]],
  ])('E3 tells when %s', (_, facts) => {
    expect(invariantsIn(facts)).toContain('E3')
  })

  it.each<readonly [string, readonly FactBody[]]>([
    [
      'a lease that is taken from who does not run',
      [stored, logOut('wipe', 'asked'), session(1, 'wiping'), leased('d1.t2', 1), leased('', 2)],
    ],
    ['a lease that is given back', [leased('d1.t2', 1), leased('', 1)]],
    ['an engine that could not be started', [tab('starting'), tab('stopped')]],
    ['an engine that tells that it has stopped', [tab('starting'), tab('started'), stopped, tab('stopped')]],
    ['a log-out that goes well', [...wiped, logOut('wipe', 'done', 1), tab('starting'), tab('started')]],
    [
      'what was on its way, and is only then given up',
      [
        committed(undefined, { ...row, attempts: 1, status: 'sending' }),
        logOut('wipe', 'asked'),
        session(1, 'wiping'),
        committed({ ...row, attempts: 1, status: 'sending' }, undefined),
        session(1),
        sent,
      ],
    ],
    [
      'one that another tab asked for when this one had begun already',
      [stored, logOut('wipe', 'asked'), session(1, 'wiping'), logOut('block', 'asked'), logOut('block', 'logged-out'), removed],
    ],
    [
      'one that keeps, asked for by another tab before the wipe is stored',
      [stored, logOut('wipe', 'asked'), { ...logOut('keep', 'asked'), tab: 'd1.t2' } as FactBody, session(1, 'wiping')],
    ],
    [
      'a question that was called off',
      [
        tab('starting'),
        tab('started'),
        logOut('block', 'asked'),
        session(1, 'asked'),
        session(0),
        stored,
        committed(row, { ...row, rev: 2, status: 'cancelled' }),
      ],
    ],
  ])('E3 says nothing of %s', (_, facts) => {
    expect(invariantsIn(facts)).not.toContain('E3')
  })
})
