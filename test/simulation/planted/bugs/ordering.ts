import { bug, type Bug } from '../bug.ts'

/** Lanes, dependencies, and what is merged. */
export const ordering: readonly Bug[] = [
  bug(
    'a lane overtaken after a retry',
    'While its head waits, the next that is queued goes.',
    'src/engine/chooser.js',
    'const rows = read.map(readable);',
    `const rows = read.map(readable).map((all) => {
            const next = all.findIndex(({ status }) => status === 'queued');
            return next > 0 && all[0].status === 'waiting' && (all[0].dueAt ?? 0) > now ? all.slice(next) : all;
        });`,
    'S9',
  ),
  bug(
    'a waiting operation leaves its lane',
    'The lane goes on without it.',
    'src/core/rows.js',
    "        status: 'waiting',\n        dueAt: at + delayMs,",
    "        status: 'waiting',\n        lane: undefined,\n        dueAt: at + delayMs,",
    'S9 L5 L1',
  ),
  bug(
    'a parked operation blocks everything',
    'It is taken for a failure of the whole turn.',
    'src/engine/chooser.js',
    "return { type: 'parked' };",
    "throw new Error('It waits for a decision.');",
    'L5 L1',
  ),
  bug(
    'a child that does not wait for its parent',
    'Only the end of the parent is looked at, not that it has ended.',
    'src/engine/chooser.js',
    "return { type: 'waits', on: other.id };",
    'continue;',
    'S9',
  ),
  bug(
    'a child is sent though its parent was rejected',
    'It falls with it, or nobody knows what it builds on.',
    'src/engine/chooser.js',
    "return { type: 'failed', error: dependencyFailed(row, other) };",
    'continue;',
    'S9',
  ),
  bug(
    'parents are not marked',
    'The owner does not know that somebody depends on what it merges.',
    'src/engine/dependencies.js',
    'const unmarked = parents.filter(isUnmarked);\n    const expect',
    'const unmarked = [];\n    const expect',
    'S17',
  ),
  bug(
    'merged across a dependency',
    'What others wait for is gone.',
    'src/core/coalesce.js',
    '        row.depended === undefined &&\n',
    '',
    'S17',
  ),
  bug(
    'a child is merged into what follows',
    'Its content goes before its parent is done.',
    'src/core/coalesce.js',
    '        (row.dependsOn?.length ?? 0) === 0 &&\n',
    '',
    'S17',
  ),
  bug(
    'merged across transactions',
    'What belongs together is torn apart.',
    'src/core/coalesce.js',
    'a.user === b.user && a.token === b.token &&',
    'a.user === b.user &&',
    'S17',
  ),
  {
    name: 'merged into an attempted operation',
    why: 'It may have been applied without what was added.',
    changes: [
      {
        file: 'src/engine/chooser.js',
        find: "if (first.status === 'queued' || isScheduled(first))",
        replace:
          "if (first.status === 'queued' || isScheduled(first) || (first.status === 'waiting' && (first.dueAt ?? 0) <= now))",
      },
      {
        file: 'src/core/coalesce.js',
        find: '        row.attempts === 0 &&\n        row.unknownAttempts === 0 &&\n        row.reconciliations === 0 &&\n        row.request === undefined)',
        replace: '        true)',
      },
      {
        file: 'src/core/coalesce.js',
        find: "return (row.status === 'queued' &&",
        replace: "return ((row.status === 'queued' || row.status === 'waiting') &&",
      },
    ],
    invariants: ['S17'],
  },
  bug(
    'merged in the wrong order',
    'The older value of a field wins.',
    'src/core/coalesce.js',
    'composeMergePatches(older.payload, newer.payload)',
    'composeMergePatches(newer.payload, older.payload)',
    'S16',
  ),
  bug(
    'an update and a delete undo each other',
    'The entity stays on the server.',
    'src/core/coalesce.js',
    "if (content.type === 'create' && next.type === 'delete')",
    "if (content.type !== 'delete' && next.type === 'delete')",
    'S16',
  ),
  bug(
    "another user's operations are sent",
    'The queue is read for everybody.',
    'src/engine/store.js',
    "ranked: (user, gt, limit) => storage.scan(OPERATIONS, { index: 'rank', prefix: [user],",
    "ranked: (user, gt, limit) => storage.scan(OPERATIONS, { index: 'rank', prefix: [],",
    'S25',
  ),
  bug(
    'what another user left in play is sent',
    'A new owner takes up everything that the last one had claimed.',
    'src/engine/store.js',
    "            index: 'due',\n            prefix: [user],\n            lt: [user, IN_PLAY + 1],",
    "            index: 'due',\n            prefix: [],",
    'S25',
  ),
  bug(
    "another user's operations can be discarded",
    'A decision only needs the id.',
    'src/engine/edits.js',
    'if (row.user !== user)\n        throw notFound(row.id);\n    return row;',
    'return row;',
    'S25',
  ),
]
