import { bug, type Bug } from '../bug.ts'

/** What builds of other versions of the application have stored. */
export const migrating: readonly Bug[] = [
  bug(
    "an older build takes a newer one's operation for its own",
    'Its payload has a shape that the older one does not know.',
    'src/core/shapes.js',
    "return withoutHeld(row, 'newer', newerBuild(`Operation ${row.id}`, entity, shape, to));",
    'return row;',
    'S27',
  ),
  bug(
    'what can not be migrated is sent all the same',
    'The request is made of nothing.',
    'src/core/shapes.js',
    "return row?.aside !== undefined && row.request === undefined && (row.status === 'queued' || row.status === 'waiting');",
    'return false;',
    'S27 S4 S16',
  ),
  bug(
    'what was set aside is written without what it held',
    'A migration that fails once has lost the payload.',
    'src/core/shapes.js',
    'return withHeld(row, row.aside);',
    "return { ...without(row, ['aside']), shape: to };",
    'S27',
  ),
  bug(
    'an operation is sent in the shape in which it was stored',
    'Its version says that it was migrated.',
    'src/core/shapes.js',
    'return inShape(row, migratedParts(row, span));',
    'return row;',
    'S27',
  ),
  bug(
    'the replica is not brought to the shape of a new build',
    'An old migration could never be dropped.',
    'src/engine/renewal.js',
    'if (kinds.length > 0 && isOwner() && !running && isNeeded)',
    'if (kinds.length > 0 && isOwner() && !running && isNeeded && kinds.length > 9)',
    'S27',
  ),
]
