import { bug, type Bug } from '../bug.ts'

const HOLDERS = 'src/engine/holders.js'
const REPLICA = 'src/engine/replica.js'

/** Where only parts of a kind of entity are followed. */
export const parting: readonly Bug[] = [
  bug(
    'a departure from one part taken for the end',
    'That another part holds the entity is not looked at.',
    HOLDERS,
    'row === undefined || scope === undefined || row.deletedAt !== undefined ? undefined',
    'row !== undefined || scope !== undefined ? undefined',
    'S21',
  ),
  bug(
    'a departure from one of two parts passed over',
    'The part that it has left holds it for ever.',
    HOLDERS,
    'left.length === all.length ? row : { ...row, scopes: Object.fromEntries(left) }',
    'row',
    'S21',
  ),
  bug(
    'a part that is not noted as a holder',
    'What another part has brought already goes with that.',
    REPLICA,
    'writes.push(touch(met))',
    'writes.push(touch(current))',
    'S18',
  ),
  bug(
    'what only a dropped part held is kept',
    'Nobody tells of it any more.',
    HOLDERS,
    'return heldBy(row, (scope) => scopes.includes(scope));',
    'return row;',
    'S21 L3',
  ),
  bug(
    'how far a dropped part was pulled is kept',
    'Once it is followed again it goes on there, and what went with it stays away.',
    REPLICA,
    '[putPullRow({ ...whole, parts: scopes }), ...pulls.endAllBut(entity, scopes)]',
    '[putPullRow({ ...whole, parts: scopes }), ...pulls.endAllBut(entity, [...scopes, ...(known?.keys() ?? [])])]',
    'S21 L3',
  ),
  bug(
    'one expired cursor ends those of all parts',
    'A part that is pulled anew takes the place of the others.',
    REPLICA,
    'const others = whole === undefined ? pulls.endAllBut(entity, [])',
    'const others = row.scope !== undefined ? pulls.endAllBut(entity, [row.scope])',
    'S21',
  ),
  bug(
    'a choice of parts by what was followed at first',
    'What another tab has chosen is undone.',
    'src/engine/scopes.js',
    'scopes(followed(known, entity))',
    'scopes(followed(none, entity))',
    'S1',
  ),
]
