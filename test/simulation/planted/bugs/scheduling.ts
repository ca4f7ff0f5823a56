import { bug, type Bug } from '../bug.ts'

/** What is tried again or synchronised by itself, and what the recorder keeps of it. */
export const scheduling: readonly Bug[] = [
  bug(
    'a retry budget that nobody asks',
    'A server that suffers gets every retry at once.',
    'src/engine/chooser.js',
    'return at > now || attempts === 0 ? at : now + retryWaitMs();',
    'return at;',
    'B7',
  ),
  bug(
    'a retry budget that failures do not take from',
    'It is always full.',
    'src/engine/retry-budget.js',
    'failed: () => add(-1),',
    'failed: () => add(0),',
    'B7',
  ),
  bug(
    'a periodic synchronisation that comes once',
    'After the first nothing is set up again.',
    'src/engine/schedules.js',
    'run(id, query, () => repeat(id, { everyMs, jitter, ...query }))',
    'run(id, query, () => undefined)',
    'B7',
  ),
  bug(
    'a periodic synchronisation without a rest',
    'Milliseconds are taken for seconds.',
    'src/engine/schedules.js',
    'const restMs = everyMs * (1 + jitter * (2 * random() - 1));',
    'const restMs = (everyMs / 1_000) * (1 + jitter * (2 * random() - 1));',
    'B7',
  ),
  bug(
    'a recorder that lets nothing go',
    'The memory of a page that is open for days is full of what it did.',
    'src/core/trace-ring.js',
    'while (bytes > maxBytes)',
    'while (bytes > 64 * maxBytes)',
    'F3',
  ),
  bug(
    'a trace that forgets what it has let go',
    'Who replays it does not know which machines were there when it begins.',
    'src/core/trace-ring.js',
    'before: beforeNow(), at, lines',
    'before: [], at, lines',
    'F3',
  ),
  bug(
    'a trace without the last step of an actor',
    'A machine that has come to its end is shown as if it went on.',
    'src/engine/recorder/inspected.js',
    "return status === 'active' ? undefined : status;",
    'return undefined;',
    'F3',
  ),
]
