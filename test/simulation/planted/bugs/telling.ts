import { bug, type Bug } from '../bug.ts'

/** What is counted, and what somebody should see to. */
export const telling: readonly Bug[] = [
  bug(
    'a batch of statistics that is counted on',
    'What was added once is added again with the next.',
    'src/engine/statistics.js',
    'counted = createCounts();\n        batches += 1;',
    'batches += 1;',
    'B10',
  ),
  bug(
    'statistics that are not added at the end',
    'Who stops in good order loses what was counted last.',
    'src/engine/statistics.js',
    'await one(addAll).catch((error) => (error instanceof LoggedOutError ? drop() : failed(error)));',
    '',
    'B10',
  ),
  bug(
    'statistics that are added at the end only',
    'A process that dies takes along all that it ever counted.',
    'src/engine/statistics.js',
    'const STORED_EVERY_MS = 10_000;',
    'const STORED_EVERY_MS = 10_000_000;',
    'B10',
  ),
  bug(
    'an alert that stays when the breaker has closed',
    'Somebody is told of a server that fails no more.',
    'src/engine/alerts.js',
    "case 'breaker:closed':\n                    return clear('breaker-open');",
    "case 'breaker:closed':\n                    return;",
    'A12',
  ),
  bug(
    'alerts that outlive their engine',
    'Nobody watches any more, and nobody says that it is over.',
    'src/engine/alerts.js',
    "clear(...OF_OWNER, 'no-owner');",
    '',
    'A12',
  ),
  bug(
    'a dead letter that nobody is told of',
    'It is in the queue of those to be seen to, and stays there.',
    'src/engine/alerts.js',
    'return rejected(event.operation);',
    'return;',
    'A12',
  ),
]
