import { bug, type Bug } from '../bug.ts'

const ENGINE = 'src/engine'

/** What happened, as it is told afterwards. */
export const auditing: readonly Bug[] = [
  bug(
    'an entry outside of its commit',
    'Whoever dies between the two leaves a gap.',
    `${ENGINE}/store.js`,
    'const keys = await storage.commit(entries.length === 0 ? writes : [...writes, ...entries], options).catch(failed);',
    'const keys = await storage.commit(writes, options);\n        if (entries.length > 0)\n            await storage.commit(entries);',
    'S26',
  ),
  bug(
    'an end that no entry tells of',
    'What was merged into another operation seems to wait for ever.',
    'src/core/audit.js',
    'if (isTerminal(row.status))',
    "if (isTerminal(row.status) && row.status !== 'superseded')",
    'S26',
  ),
  bug(
    'an entry is written over',
    'An end is added to the entry of its beginning.',
    `${ENGINE}/audit-writer.js`,
    "entries.map((value) => ({ type: 'append', collection: AUDIT, value }))",
    "entries.map((value) => (value.outcome === 'cancelled' ? { type: 'put', collection: AUDIT, value: { ...value, number: 1 } } : { type: 'append', collection: AUDIT, value }))",
    'S26',
  ),
  bug(
    'an entry tells of a field that was left out',
    'Only what was asked for is looked through, not what the server made of it.',
    `${ENGINE}/audit-writer.js`,
    'changesBetween(valueIn(entity.was), valueIn(entity.row), hidden)',
    'changesBetween(valueIn(entity.was), valueIn(entity.row), new Set())',
    'S26',
  ),
  bug(
    'what a person decided is not told',
    'A dead letter that was seen to looks as if nobody had.',
    'src/core/audit.js',
    "if (row.dismissed !== was.dismissed)\n        return 'dismissed';",
    '',
    'S26',
  ),
]
