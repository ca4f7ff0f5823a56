import { bug, type Bug } from '../bug.ts'

/** Stores without transactions, and stores of another schema. */
export const tearing: readonly Bug[] = [
  bug(
    'a commit that nobody finishes',
    'What a crash left of it is passed over.',
    'src/adapters/localforage/journal.js',
    'await apply(store, redo);',
    '',
    'S1 S8 L5 L1',
  ),
  bug(
    'rows written without a record of all of them',
    'A crash leaves half of a commit.',
    'src/adapters/localforage/journal.js',
    'await writeHead(store, { ...after, redo: changes });',
    'await writeHead(store, after);',
    'S2 S7 S10 S16 L5 L1',
  ),
  bug(
    'a commit that failed is finished all the same',
    'Its caller was told that nothing was written.',
    'src/adapters/localforage/journal.js',
    'if (await undo(store, { ...before, by: after.by, redo: images }))\n            throw error;',
    'if (images !== undefined)\n            throw error;',
    'S3',
  ),
  bug(
    'an older build writes a newer store',
    'It was open when the newer one came.',
    'src/adapters/memory/commit.js',
    'if (disk.version > schema.version)',
    'if (disk.version < 0)',
    'S27',
  ),
  bug(
    'an older build opens a newer store',
    'It comes from a cache, and makes the store its own again.',
    'src/adapters/memory/disk.js',
    'if (disk.version > schema.version)',
    'if (disk.version < 0)',
    'S27',
  ),
  {
    name: 'an older build opens a newer store without transactions',
    why: 'Only the rows are looked at.',
    changes: [
      { file: 'src/adapters/localforage/tier.js', find: 'if (head.version > version)', replace: 'if (head.version < 0)' },
      {
        file: 'src/adapters/localforage/replica.js',
        find: 'if (head.version > replica.schema.version)',
        replace: 'if (head.version < 0)',
      },
    ],
    invariants: ['S27'],
  },
]
