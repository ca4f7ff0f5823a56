import { bug, type Bug, type Change } from '../bug.ts'

const FAULTS = 'src/core/row-faults.js'
const PAGES = 'src/engine/integrity/pages.js'

/** What a view believes to be the newest is never looked at again. */
export const BELIEVED_NEWEST: Change = { file: 'src/engine/views.js', find: 'if (wasTooHigh)', replace: 'if (false)' }

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
  {
    name: 'a view that takes where an entity stands for its revision',
    why: 'What is damaged stands as newer than all that comes, and nothing new is shown.',
    changes: [
      { file: 'src/engine/store.js', find: 'seen: Math.min(rev, revOf(readEntity(entry), rev))', replace: 'seen: rev' },
      BELIEVED_NEWEST,
    ],
    invariants: ['L3', 'S14'],
  },
  {
    name: 'a view that goes on after what seemed to be the newest',
    why: 'It was so by damage; what is stored since stands before it, and is not shown.',
    changes: [BELIEVED_NEWEST],
    invariants: ['L3', 'S14'],
  },
  bug(
    'a comparison that counts and does not look at fingerprints',
    'As many here as there is the same.',
    'src/engine/integrity/compare.js',
    'other.hash === hash',
    'true',
    'S32',
  ),
  bug(
    'a comparison that looks only at what is stored here',
    'What the server lists is compared with what is there; what is not there has no version.',
    'src/engine/integrity/compare.js',
    'new Set(there.keys())',
    'new Set()',
    'S32',
  ),
  bug(
    'a repair of the replica that only says that it has mended',
    'What the server has is known by then.',
    'src/engine/integrity/server.js',
    '(await server.putRight(entity, id, seen, told)) ?? false',
    'true',
    'S32',
  ),
]
