import { bug, type Bug } from '../bug.ts'

/** What an operation was made on, and is compared with. */
export const basing: readonly Bug[] = [
  bug(
    'what a pull has replaced is forgotten',
    'What waits is compared with what it has never seen.',
    'src/core/earlier.js',
    'return { earlier: [...earlier, { upTo: newestSeq, ...held({ version, value, aside }) }] };',
    'return {};',
    'S12',
  ),
  bug(
    'what waits behind a merged operation is compared with the merge',
    'What others made has become part of its base unseen.',
    'src/core/earlier.js',
    'const isNews = merge !== undefined &&',
    'const isNews = merge === null &&',
    'S12',
  ),
  bug(
    'an operation is compared with what was there before those that it waited behind',
    'Their effect is taken for what others made.',
    'src/core/earlier.js',
    '.map((base) => effectOn(base, operation, actions));',
    '.map((base) => base);',
    'S12',
  ),
]
