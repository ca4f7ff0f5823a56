import { bug, type Bug } from '../bug.ts'

const FAULTS = 'src/core/row-faults.js'
const OPERATIONS = 'src/engine/integrity/operations.js'
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
    'a check that takes what waits for a person for due',
    'A parked operation is never due by itself.',
    FAULTS,
    "if (status === 'parked')\n        return NEVER_DUE;",
    '',
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
    'a check that takes each open conflict for left alone',
    'Its operation waits for it all the same.',
    CONFLICTS,
    "return conflict?.id === id && (conflict.resolution ?? 'pending') === 'pending';",
    'return false;',
    'S32',
  ),
]
