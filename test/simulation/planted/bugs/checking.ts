import { bug, type Bug } from '../bug.ts'

const FAULTS = 'src/core/row-faults.js'
const PAGES = 'src/engine/integrity/pages.js'

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
    'a check that does not look whether the indexes have a row',
    'What a row says of itself is right, and yet nobody finds it.',
    PAGES,
    'return [...missed];',
    'return [];',
    'S32',
  ),
  bug(
    'a check that does not look for what an index has too much',
    'Nothing is missing there, but one row stands in a line where it does not belong.',
    PAGES,
    'yield stray;',
    ';',
    'S32',
  ),
  bug(
    'a check that takes what a sealed store gives by an index for all that is there',
    'Such a store gives no row where its fields do not say that it stands.',
    PAGES,
    'isRecord(entry.value) ? entry : await readAlone(storage, collection, index, entry)',
    'isRecord(entry.value) ? entry : undefined',
    'S32',
  ),
  bug(
    'a repair that only says that it has mended',
    'It was found, so it is taken for done.',
    'src/engine/integrity/mend-operation.js',
    "await site.store.commit([updateOperation(changed, row), counted], options, 'turn');",
    '',
    'S32 L1',
  ),
  bug(
    'a repair that writes a row as it is',
    'That puts it into all indexes, as far as its fields tell where it belongs.',
    'src/engine/integrity/mend-operation.js',
    'mendedOperation(row, site.ageingMs, site.now())',
    'row',
    'S32 L1',
  ),
  bug(
    'a check that closes the conflict of an operation that the index of ids lacks',
    'What is not found is gone, as far as anybody can tell.',
    'src/engine/integrity/conflicts.js',
    'misplaced.get(row.operationId)',
    'undefined',
    'S32',
  ),
  bug(
    'an owner that sends what stands in a lane, ended or not',
    'Nothing that has ended stands in a lane.',
    'src/engine/blockages.js',
    ' && !isTerminal(row.status)',
    '',
    'S7',
  ),
  bug(
    'an owner that looks once for what the last one left in play',
    'It begins with that, and nothing is left in play later.',
    'src/engine/claims.js',
    'lanes.begin();',
    ';',
    'L1',
  ),
  bug(
    'a conflict that stays open when its transaction is tried again by another part',
    'Only the operation that somebody decided about has a conflict to be closed.',
    'src/engine/transactions.js',
    "return decided(now, isTerminal(now.status) ? 'discarded' : 'local', 'transaction');",
    "return isTerminal(now.status) ? decided(now, 'discarded', 'transaction') : now;",
    'S32',
  ),
]
