import { bug, type Bug } from '../bug.ts'

const ENGINE = 'src/engine'

/** How users log out. */
export const leaving: readonly Bug[] = [
  bug(
    'a log-out that forgets what stands beside operations and entities',
    'Cursors, scopes and statistics of the user stay in the store.',
    `${ENGINE}/wipe.js`,
    'await wipeOthers(expect);',
    '',
    'E3',
  ),
  bug(
    'a log-out that removes what is of other users too',
    'Nobody looks whose a row is.',
    `${ENGINE}/wipe.js`,
    "return isRecord(value) ? value['user'] === user : isOwnText(raw);",
    'return isRecord(value);',
    'S1 S8',
  ),
  bug(
    'a tab that accepts after a log-out in another',
    'What it enqueues is not refused, and lies there when the user has gone.',
    `${ENGINE}/session.js`,
    'expect: [...(options.expect ?? []), mine()]',
    'expect: [...(options.expect ?? [])]',
    'E3',
  ),
  bug(
    'a wipe that was cut off is left as it is',
    'The next log-in of the user shows and sends what is left.',
    `${ENGINE}/log-out.js`,
    "if (row?.stage === 'wiping')\n                hooks.wiped(await wipe());",
    '',
    'E3',
  ),
  bug(
    'a log-out that keeps begins a wipe',
    'The next log-in removes what was to be kept.',
    `${ENGINE}/log-out.js`,
    'const STAGE_OF = { keep: {}',
    "const STAGE_OF = { keep: { stage: 'wiping' }",
    'E3',
  ),
  bug(
    'a log-out that tells of nothing that could be read',
    'What was given up is counted only as far as it is told one by one.',
    `${ENGINE}/wipe.js`,
    'count += 1;',
    'count += isInDoubt ? 1 : 0;',
    'E3',
  ),
  bug(
    'a log-out that waits for who has logged in since',
    'It does not look whether another tab has finished the wipe, and takes the lease away in the end.',
    `${ENGINE}/log-out.js`,
    "if (row?.stage !== 'wiping')\n                return undefined;\n            if (lease === undefined",
    'if (lease === undefined',
    'E3',
  ),
  bug(
    'a page that goes on showing who has logged out',
    'What is watched keeps its last value until the next log-in.',
    `${ENGINE}/views.js`,
    'left.next();',
    '',
    'E3',
  ),
  bug(
    'a page that is told of what is answered after a log-out',
    'It shows nothing at the log-out, but is told of what the owner commits until it has stopped.',
    `${ENGINE}/views.js`,
    'closed();\n            left.next();',
    'left.next();',
    'E3',
  ),
  {
    name: 'an engine that stops unheard after a log-out elsewhere',
    why: 'Only who calls stop() has it told, and each call does.',
    changes: [
      {
        file: `${ENGINE}/engine-snapshots.js`,
        find: "if (was.matches('closing') && snapshot.matches('stopped'))\n            events.emit({ type: 'engine:stopped' });",
        replace: '',
      },
      {
        file: `${ENGINE}/create-engine.js`,
        find: "await reached(actor, (snapshot) => snapshot.matches('stopped'));\n    }",
        replace:
          "await reached(actor, (snapshot) => snapshot.matches('stopped'));\n        events.emit({ type: 'engine:stopped' });\n    }",
      },
    ],
    invariants: ['E3'],
  },
]
