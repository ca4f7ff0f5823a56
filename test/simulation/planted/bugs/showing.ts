import { bug, type Bug, type Change } from '../bug.ts'

const VIEWS = 'src/engine/views.js'
const LOOK = 'src/engine/look.js'
const MIRROR = 'src/engine/mirror.js'

/** Nobody asks once more for what has ended. */
const ONLY_WHAT_WAS_SEEN: Change = {
  file: LOOK,
  find: 'if (!isAtRest)\n            for (',
  replace: 'if (false)\n            for (',
}

/** What is seen, in the tab that writes and in those that follow it. */
export const showing: readonly Bug[] = [
  bug(
    'own writes shown on top of a stale view',
    'What others committed before is not looked up first.',
    VIEWS,
    'if (behindSince === undefined && !isLooking)\n            return show(news);',
    'return show(news);',
    'S14 L3',
  ),
  bug(
    'views not told of what others write',
    'Only the own commits are seen.',
    VIEWS,
    'if (mirrors.size > 0 || loading.size > 0)\n                fallBehind();',
    '',
    'S14 L3',
  ),
  bug(
    'an ended operation kept in the mirror of a follower',
    'Only what lives is looked up.',
    LOOK,
    'return { entities: [...entities.values()], operations, ended, rev };',
    'return { entities: [...entities.values()], operations, ended: [], rev };',
    'S14 L3',
  ),
  bug(
    'a look that starts behind what is new',
    'The newest change is skipped.',
    VIEWS,
    'await lookFrom(rev, [',
    'await lookFrom(rev + 1, [',
    'S14 L3',
  ),
  {
    name: 'no second look',
    why: 'What is confirmed between the two reads is not seen.',
    changes: [{ file: LOOK, find: 'const MAX_LOOKS = 5;', replace: 'const MAX_LOOKS = 1;' }, ONLY_WHAT_WAS_SEEN],
    invariants: ['S14', 'L3'],
  },
  {
    name: 'what ends in the midst of the last look is gone',
    why: 'Others confirm faster than can be looked.',
    changes: [ONLY_WHAT_WAS_SEEN],
    invariants: ['S14'],
  },
  bug(
    'operations shown in the order in which they came',
    'Not in that of their numbers.',
    MIRROR,
    '[...(live.get(id) ?? NONE), row].sort((a, b) => a.seq - b.seq)',
    '[...(live.get(id) ?? NONE), row]',
    'S14',
  ),
  bug(
    'a look that forgets the operations',
    'Only entities are looked up.',
    LOOK,
    'operations = await liveOf(among);',
    'operations = [];',
    'S14 L3',
  ),
  bug(
    'an operation that has ended stays in the view',
    'What it is about seems to be pending for ever.',
    MIRROR,
    'setLive(row, !isTerminal(row.status))',
    'setLive(row, true)',
    'L3 S14',
  ),
]
