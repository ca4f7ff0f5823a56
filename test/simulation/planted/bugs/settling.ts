import { bug, type Bug } from '../bug.ts'

const SETTLE = 'src/core/settle.js'
const CONFLICTS = 'src/engine/conflicts.js'

/** By which rule a conflict ends, and what becomes of a person's decision. */
export const settling: readonly Bug[] = [
  bug(
    'the wrong side wins',
    'The strategies are mixed up.',
    SETTLE,
    "strategy === 'localWins' ? 'local' : 'remote'",
    "strategy === 'localWins' ? 'remote' : 'local'",
    'S12',
  ),
  bug(
    'a merge that takes their side',
    'Of what both changed, ours is dropped.',
    SETTLE,
    "if (strategy === 'merge')\n        return { merge: 'local' };",
    "if (strategy === 'merge')\n        return { merge: 'remote' };",
    'S12',
  ),
  bug(
    'the earlier write wins',
    'Stamps are compared the other way round.',
    'src/core/stamp.js',
    'compareStamps(local, remote) < 0',
    'compareStamps(local, remote) > 0',
    'S12',
  ),
  bug(
    'a clock that learns nothing',
    'What is made after a conflict may seem to be older than what it was about.',
    'src/engine/stamps.js',
    'last = received.hlc;',
    'void received;',
    'S12',
  ),
  bug(
    'edited content without a stamp',
    'Nobody can tell when it was written.',
    'src/engine/operations.js',
    'made(edited(seenOn(current, held), json))',
    'edited(seenOn(current, held), json)',
    'S12',
  ),
  bug(
    'an entity that was deleted there is made again',
    'A merge takes its change for the entity.',
    'src/core/reconcile.js',
    "if (conflict.remote === undefined)\n            return keepRemote(conflict, { ...record, resolution: 'remote' });",
    'if (conflict.remote === undefined)\n            return { ...towards(row, conflict, conflict.local ?? null), conflict: record };',
    'S12',
  ),
  bug(
    'the same conflict decided twice',
    'What another tab has decided meanwhile is not looked at.',
    CONFLICTS,
    "row.status !== 'parked' || row.conflict?.id !== id || row.conflict.resolution !== 'pending'",
    'row.conflict?.id !== id',
    'S12 S7 S4 S11',
  ),
  bug(
    'a decided value mixed with the rest',
    'Fields that the person left out stay.',
    CONFLICTS,
    'payload: diffMergePatch(withoutOwn(remote), withoutOwn(value))',
    'payload: value',
    'S12',
  ),
  bug(
    'what was given up is sent',
    'The decision for their side is taken for ours.',
    CONFLICTS,
    "givenUp(decided(row, 'remote', 'person'), edits.now())",
    "unpark(decided(row, 'remote', 'person'))",
    'S12',
  ),
  {
    name: 'a decision that is lost on the way to the owner',
    why: 'It asks again about what was decided.',
    invariants: ['L7'],
    changes: [
      { file: SETTLE, find: 'if (isDecided(row, conflict))', replace: 'if (row.seq < 0 && isDecided(row, conflict))' },
      { file: 'src/engine/reconciler.js', find: 'wasSeen: wasDecided(row, conflict)', replace: 'wasSeen: false' },
    ],
  },
  bug(
    'a merge that is tried without end',
    'Nobody counts.',
    'machines/operation.js',
    'row.reconciliations - (row.reconciledBefore ?? 0) < maxReconciliations',
    'maxReconciliations >= 0',
    'L7',
  ),
  bug(
    'a merged write that is always refused',
    'It is sent on the version that it was made on.',
    'src/core/reconcile.js',
    'payload: diffMergePatch(remote, merged.value), version }',
    'payload: diffMergePatch(remote, merged.value), version: row.baseVersion }',
    'L7',
  ),
]
