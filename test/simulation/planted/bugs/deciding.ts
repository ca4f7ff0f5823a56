import { bug, type Bug } from '../bug.ts'

/** What becomes of a conflict, and of what is merged. */
export const deciding: readonly Bug[] = [
  bug(
    'what only the server changed is lost',
    'The merge takes the local side of every field.',
    'src/core/merge.js',
    'sameJson(local, base))\n        return remote;',
    'sameJson(local, base))\n        return local;',
    'S12',
  ),
  bug(
    'what only this side changed is lost',
    'The merge takes the remote side of every field.',
    'src/core/merge.js',
    'sameJson(remote, base))\n        return local;',
    'sameJson(remote, base))\n        return remote;',
    'S12',
  ),
  bug(
    'a change of another field is a conflict',
    'The entity is compared as a whole.',
    'src/core/merge.js',
    '(base === undefined || isObject(base)) &&',
    'base === undefined &&',
    'S12',
  ),
  bug(
    'the value that gave way is forgotten',
    'Nobody can bring it back.',
    'src/core/reconcile.js',
    'return { ...towards(row, conflict, wanted ?? null), conflict: record };',
    'return { ...towards(row, conflict, wanted ?? null) };',
    'S12',
  ),
  bug(
    'a stale update counts as done',
    'The change is dropped without a word.',
    'src/core/reconcile.js',
    'if (isThere(row, remote))',
    "if (isThere(row, remote) || row.type === 'update')",
    'S12',
  ),
  bug(
    'a merged request holds the newest field alone',
    'The row tells of all the changes, the request of the last.',
    'src/engine/chooser.js',
    'return claim(withBase(row, base, base !== entity), transport.prepare({ ...row, baseVersion }), baseVersion);',
    'return claim(withBase(row, base, base !== entity), transport.prepare({ ...row, baseVersion, payload: row.payload && Object.fromEntries(Object.entries(row.payload).slice(-1)) }), baseVersion);',
    'S16',
  ),
  bug(
    'our own success waits for a decision',
    'The server is not looked at after a refusal.',
    'machines/operation.js',
    "{ guard: 'isConflict', target: 'recording', actions: 'beginReconciling' },",
    "{ guard: 'isConflict', target: 'recording', actions: 'park' },",
    'S13',
  ),
  bug(
    'a refusal of the content is tried again',
    'It is taken for a failure of the server.',
    'src/core/classify.js',
    'return (CLIENT[status] ?? refused)(answer);',
    'return (CLIENT[status] ?? failed)(answer);',
    'L5 L1',
  ),
]
