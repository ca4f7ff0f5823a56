import { bug, type Bug } from '../bug.ts'

/** What is seen, in the tab that writes and in those that follow it. */
export const showing: readonly Bug[] = [
  bug(
    'views not told of what others write',
    'Only the own commits are seen.',
    'src/engine/views.js',
    'if (mirrors.size > 0)\n                lookSoon();',
    '',
    'S14 L3 S20',
  ),
]
