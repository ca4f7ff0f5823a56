import { bug, type Bug } from '../bug.ts'

const FAULTS = 'src/core/row-faults.js'

/** What a check of a store finds, and what it does about it. */
export const checking: readonly Bug[] = [
  bug(
    'a check that takes what waits for broken',
    'Every operation has a turn, also one that is not queued.',
    FAULTS,
    "status === 'queued' ? isNumber(rank) : rank === undefined",
    'isNumber(rank)',
    'S32',
  ),
  bug(
    'a check that takes what waits for a person for due',
    'A parked operation is never due by itself.',
    FAULTS,
    "if (status === 'parked')\n        return NEVER_DUE;",
    '',
    'S32',
  ),
]
