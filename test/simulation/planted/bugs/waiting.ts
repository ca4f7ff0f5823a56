import { bug, type Bug } from '../bug.ts'

const ENGINE = 'src/engine'

/** Times, and what the server asks for. */
export const waiting: readonly Bug[] = [
  bug(
    'a pause of the server that holds nothing',
    'What it asked for is read, and nobody keeps to it.',
    `${ENGINE}/server-pace.js`,
    'const until = clock.monotonic() + (wished.pauseMs ?? 0);',
    'const until = -1;',
    'B7',
  ),
  bug(
    'a poll that is as frequent as ever',
    'How seldom the server wants to be polled holds neither for who asks nor for pulls by themselves.',
    `${ENGINE}/server-pace.js`,
    'minPollMs = wished.minPollMs ?? minPollMs;',
    '',
    'B7',
  ),
  bug(
    'a batch as large as ever',
    'The server has said how many operations it takes at once.',
    `${ENGINE}/server-pace.js`,
    'maxBatch = wished.maxBatch ?? maxBatch;',
    '',
    'B7',
  ),
  bug(
    'an operation that goes before its time',
    'It waits, but is due at once.',
    `${ENGINE}/new-row.js`,
    'dueAt: input.notBefore',
    'dueAt: 0',
    'B7',
  ),
]
