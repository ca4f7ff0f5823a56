import { bug, type Bug } from '../bug.ts'

const FAULTS = 'src/core/row-faults.js'
const OPERATIONS = 'src/engine/integrity/operations.js'
const PAGES = 'src/engine/integrity/pages.js'
const CONFLICTS = 'src/engine/integrity/conflicts.js'

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
    'a check that does not look again',
    'What has moved between two looks is not where it was.',
    PAGES,
    "return 'changed';",
    'return false;',
    'S32',
  ),
  bug(
    'a repair that throws away what it can not read',
    'The store is sound afterwards.',
    OPERATIONS,
    'task.quarantined(seq, error);',
    "await task.store.commit([{ type: 'delete', collection: OPERATIONS, key: seq }]);",
    'S32 S28 S8 S1',
  ),
  bug(
    'a check that passes over what it can not read',
    'It can not tell whose it is.',
    OPERATIONS,
    'if (now === undefined || readOperation(now) !== undefined)\n        return;',
    'return;',
    'S32',
  ),
  bug(
    'a check that looks at a conflict once',
    'It was decided while its operation was looked up.',
    CONFLICTS,
    'if (JSON.stringify(again) !== JSON.stringify(row))',
    'if (false)',
    'S32',
  ),
]
