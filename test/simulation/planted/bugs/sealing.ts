import { bug, type Bug } from '../bug.ts'

const ENCRYPTED = 'src/adapters/encrypted'

/** What is encrypted at rest. */
export const sealing: readonly Bug[] = [
  bug(
    'a sealed row that is bound to no place',
    'What was copied into another row is taken for its own.',
    `${ENCRYPTED}/sealed-row.js`,
    'return toBytes(JSON.stringify(parts));',
    "return toBytes('');",
    'S28',
  ),
  bug(
    'a row that can not be opened is left out',
    'What stands behind it in its lane overtakes it.',
    `${ENCRYPTED}/reader.js`,
    'return together(entries.map((entry) => one(entry, fields)));',
    'const all = entries.map((entry) => one(entry, fields)); return Promise.all(all).then((read) => read.filter(({ corrupt }) => corrupt === undefined));',
    'S9 S28',
  ),
]
