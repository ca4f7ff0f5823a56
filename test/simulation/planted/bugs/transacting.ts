import { bug, type Bug } from '../bug.ts'

/** What is accepted together, and what becomes of one because of another. */
export const transacting: readonly Bug[] = [
  bug(
    'a transaction that overtakes',
    'It is sent as soon as the first of its operations may go, whatever stands before the others.',
    'src/engine/transaction-chooser.js',
    'const ahead = first.attempts > 0 ? undefined : await aheadOf(rows);',
    'const ahead = undefined;',
    'S9 S31 S12',
  ),
  bug(
    'a transaction of which one half follows',
    'What becomes of the one that is played is not written for the others.',
    'src/engine/transactions.js',
    '...after.map(({ was, now }) => updateOperation(now, was)),',
    '',
    'S31',
  ),
  bug(
    'what was done before a refusal is not taken back',
    'Half of a transaction stays on the server.',
    'src/engine/transactions.js',
    '(await Promise.all(toUndo.toReversed().map(undoingOf))).flat()',
    '[]',
    'S31',
  ),
  bug(
    'what comes after a refusal is sent all the same',
    'The rest of a transaction goes on as if nothing had been refused.',
    'src/engine/transactions.js',
    'writes: ended.map(({ was, now }) => updateOperation(now, was)),\n            undoing',
    'undoing',
    'S7 S31',
  ),
  bug(
    'the members of a transaction do not wait for each other',
    'Without an atomic batch each is sent as soon as it may.',
    'src/engine/transaction-chooser.js',
    'const before = members.find((row) => row.seq < first.seq && !isTerminal(row.status));',
    'const before = undefined;',
    'S31 S9',
  ),
  bug(
    'what a create met is deleted with its transaction',
    'Others had made it, and what takes a create back is a deletion.',
    'src/core/rows.js',
    '...(conflict === undefined ? {} : undoOver(row, conflict)),',
    '',
    'S31',
  ),
  bug(
    'a transaction that is given up ends unheard',
    'Only what the server says of it is told.',
    'src/engine/edits.js',
    "if (changed.status === 'cancelled' && changed.transaction !== undefined)\n                hooks.gaveUp(changed.transaction, aftermath.left);",
    '',
    'S31',
  ),
  bug(
    'handlers hear of the success of what was given up with its transaction',
    'It was not discarded itself, so it has ended well.',
    'src/engine/optimistic.js',
    'new Set([DISCARDED, TRANSACTION_FAILED])',
    'new Set([DISCARDED])',
    'S15',
  ),
]
