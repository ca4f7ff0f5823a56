import { bug, type Bug } from '../bug.ts'

const ENQUEUE = 'src/engine/enqueue-checks.js'
const INTAKE = 'src/engine/intake.js'
const PAGE = 'src/engine/check-page.js'
const ANSWERS = 'src/engine/answer-checks.js'
const RECONCILER = 'src/engine/reconciler.js'

/** What the schemas of entities refuse, before it is stored and after the server has told it. */
export const validating: readonly Bug[] = [
  bug(
    'an update checked by itself',
    'Not by what it makes of what is there and waits.',
    ENQUEUE,
    'made.has(lane) ? made.get(lane) : values.get(lane)',
    '{}',
    'S3',
  ),
  bug(
    'a refused call that is stored',
    'Who called is told so, and it is written all the same.',
    INTAKE,
    'if (passed.length < group.length)',
    'if (false)',
    'S3',
  ),
  bug(
    'a value that fails is taken from a page',
    'It is told of, and stored all the same.',
    PAGE,
    'return { ...page, changes, unusable: [...page.unusable, ...refused] };',
    'return { ...page, unusable: [...page.unusable, ...refused] };',
    'S14',
  ),
  bug(
    'a change that fails takes the rest of its page with it',
    'Nothing after it is stored, and the cursor goes on.',
    PAGE,
    'const changes = page.changes.filter((_, at) => verdicts[at] === undefined);',
    'const changes = page.changes.slice(0, verdicts.findIndex((verdict) => verdict !== undefined));',
    'S18',
  ),
  bug(
    'the value of an answer taken unchecked',
    'It is told of, and stored all the same.',
    ANSWERS,
    'return { ...outcome, value: undefined };',
    'return outcome;',
    'S14',
  ),
  bug(
    'what fails is merged with',
    'The rules get to see it.',
    RECONCILER,
    'if (ofRemote !== undefined && meetsRemote(found))',
    'if (false)',
    'S12',
  ),
  bug(
    'a merge that fails is sent',
    'Both sides pass by themselves.',
    RECONCILER,
    'return refusal === undefined ? decision :',
    'return true ? decision :',
    'S12',
  ),
]
