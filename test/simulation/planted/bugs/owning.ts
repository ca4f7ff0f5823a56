import { bug, type Bug } from '../bug.ts'
import { BELIEVED_NEWEST } from './checking.ts'

/** Who drains, and how he leaves. */
export const owning: readonly Bug[] = [
  bug(
    'no fence in the commits of the owner',
    'One who was stopped and replaced writes on when he wakes.',
    'src/engine/fence.js',
    '{ ...options, expect, fence: fenceOf(epoch) }',
    'options',
    'S10',
  ),
  {
    name: 'a fence that compares wrongly',
    why: 'It lets the older owner through.',
    changes: [
      { file: 'src/adapters/memory/commit.js', find: 'current > epoch', replace: 'current < epoch' },
      { file: 'src/engine/fence.js', find: '{ ...options, expect, fence', replace: '{ ...options, fence' },
    ],
    invariants: ['S10'],
  },
  bug(
    'a second owner accepted',
    'The lease is written without looking whether somebody else was quicker.',
    'src/engine/lease.js',
    '{ expect: [unchanged(seen)] }',
    '{}',
    'S10 L7',
  ),
  bug(
    'a takeover in the same epoch',
    'The fence can not tell the two owners apart.',
    'src/engine/lease.js',
    'epoch: former + 1,',
    'epoch: Math.max(1, former),',
    'S10',
  ),
  bug(
    'a store that was emptied begins with the same epoch again',
    'Who owned it before owns it as well.',
    'src/engine/lease.js',
    'Math.floor(random() * BEGINNINGS)',
    '0',
    'S10 S1',
  ),
  {
    name: 'a store that was emptied goes on unnoticed',
    why: 'What it held is shown, and taken for stored, for ever.',
    changes: [{ file: 'src/engine/store-life.js', find: 'hooks.emptied();', replace: ';' }, BELIEVED_NEWEST],
    invariants: ['L3', 'S14', 'S15'],
  },
  bug(
    'a beat that does not raise the epoch back',
    'It writes the lease as it was once seen.',
    'src/engine/lease.js',
    'write(lease, { ...lease, beat: lease.beat + 1 })',
    'write(lease, { ...lease, beat: lease.beat + 1, epoch: lease.epoch - 1 })',
    'S10',
  ),
  {
    name: 'staleness by the wall clock',
    why: 'When the clock is set, a lease that was renewed a moment ago looks an hour old.',
    changes: [
      { file: 'src/engine/lease.js', find: 'at: clock.monotonic()', replace: 'at: clock.now()' },
      { file: 'machines/lock.js', find: 'Math.min(at - context.lookedAt, 2 * context.pollMs)', replace: 'at - context.lookedAt' },
    ],
    invariants: ['L7'],
  },
  bug(
    'whoever looks takes the lease',
    'Owners push each other out for ever.',
    'machines/lock.js',
    "isFree: (_, { lease, isMine }) => lease === undefined || lease.owner === '' || isMine,",
    'isFree: () => true,',
    'L7',
  ),
  bug(
    'stop leaves the lease',
    'The others wait until it is stale.',
    'src/engine/lease.js',
    "await write(lease, { ...kept, owner: '' });",
    'void kept;',
    'L10',
  ),
  {
    name: 'stop waits for an answer that never comes',
    why: 'The drain does not tell that it is quiet, and nobody gives up waiting.',
    changes: [
      { file: 'src/engine/dispatcher.js', find: "if (phase.type === 'quiescing')", replace: "if (phase.type === 'nothing')" },
      {
        file: 'machines/engine.js',
        find: "'LOCK.LOST': 'releasing', STOP: {} },\n                    after: { stopTimeout: 'releasing' },",
        replace: "'LOCK.LOST': 'releasing', STOP: {} },",
      },
    ],
    invariants: ['L10'],
  },
  bug(
    'what the last owner left in play is not taken up',
    'After a takeover it is neither sent nor given up.',
    'src/engine/lane-finder.js',
    'orphans = { from: undefined };',
    "orphans = 'found';",
    'L5 L1',
  ),
  bug(
    'nobody takes over',
    'A lease that is not released is never stale.',
    'machines/lock.js',
    'unchangedMs: same ? context.unchangedMs + elapsedMs : 0',
    'unchangedMs: 0',
    'L2 L1',
  ),
  bug(
    'a lease is stale only after twice its time',
    'Whoever waits for a dead owner waits too long.',
    'machines/lock.js',
    'unchangedMs >= context.staleMs',
    'unchangedMs >= 2 * context.staleMs',
    'L2',
  ),
]
