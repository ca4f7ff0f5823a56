import { bug, type Bug } from '../bug.ts'

const REPLICA = 'src/engine/replica.js'
const PULLER = 'src/engine/puller.js'

/** The server's changes, page by page, and what they become in the store. */
export const pulling: readonly Bug[] = [
  bug(
    'a cursor written before its page',
    'What follows may be cut off by a crash.',
    REPLICA,
    'await write(writer, [...writes, putPullRow(page.row)]);',
    'await write(writer, [putPullRow(page.row)]);\n            await write(writer, writes);',
    'S18',
  ),
  bug(
    'a page dropped',
    'Only its cursor is written.',
    REPLICA,
    '[...writes, putPullRow(page.row)]);\n            pulls',
    '[putPullRow(page.row)]);\n            pulls',
    'S18',
  ),
  bug(
    'an older version over a newer one',
    'The page always wins.',
    REPLICA,
    '((order ?? -1) < 0 || lacks(current, change))',
    'true',
    'S19',
  ),
  bug(
    'an older answer over a newer page',
    'The answer to an operation always wins.',
    REPLICA,
    'return order > 0;',
    'return false;',
    'S19',
  ),
  bug(
    'a delete that forgets its version',
    'A stale upsert raises the tombstone.',
    REPLICA,
    "'deleted' in change ? { ...own, deletedAt: now() }",
    "'deleted' in change ? { key, generation, version: '0', deletedAt: now() }",
    'S18 S19',
  ),
  bug(
    'deletes of a page passed over',
    'Only what is there is written.',
    REPLICA,
    'if (change !== undefined && ((order',
    "if (change !== undefined && !('deleted' in change) && ((order",
    'S18 L3',
  ),
  bug(
    'an expired cursor kept',
    'The same is asked again.',
    PULLER,
    "pulled.type === 'expired' && cursor !== undefined",
    "pulled.type === 'expired' && cursor === ''",
    'L3',
  ),
  bug(
    'a sweep after each page',
    'What later pages bring seems to be gone.',
    PULLER,
    'if (hasMore)\n            return more();',
    'if (hasMore && !row.isPartial)\n            return more();',
    'S18 L3',
  ),
  bug(
    'only the first page pulled',
    'That there are more is not looked at.',
    PULLER,
    'if (hasMore)\n            return more();',
    '',
    'L3 S18',
  ),
]
