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
