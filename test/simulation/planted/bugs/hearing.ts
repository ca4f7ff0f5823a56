import { bug, type Bug } from '../bug.ts'

const CHANNEL = 'machines/channel.js'
const REALTIME = 'src/engine/realtime.js'

/** The realtime line, and what follows from it. */
export const hearing: readonly Bug[] = [
  bug(
    'a beat that is never missed',
    'A dead line is held for ever.',
    CHANNEL,
    "target: '#channel.live.cutting', actions: ['miss', 'reportHealth']",
    "target: 'beating'",
    'L6',
  ),
  bug(
    'no beat at all',
    'A line that has opened is believed for ever.',
    CHANNEL,
    "after: { heartbeat: { target: '#channel.live.cutting', actions: ['miss', 'reportHealth'] } },",
    '',
    'L6',
  ),
  bug(
    'hints of what the engine has not',
    'They make it ask for it.',
    REALTIME,
    '|| !Object.hasOwn(settings.entities, message.entity)',
    '',
    'S25',
  ),
  bug('a line that outlives its engine', 'It is forgotten instead of stopped.', REALTIME, 'ending?.actor.stop();', '', 'L10 L6'),
  bug(
    'a line tried again without backoff',
    'A server that restarts is stormed.',
    CHANNEL,
    'backoff: ({ context }) => context.delayMs',
    'backoff: () => 1',
    'L9 S22',
  ),
  bug(
    'a wish to stay away passed over',
    'Who is told to come later comes at once.',
    CHANNEL,
    'previousMs: delayMs, random, retryAfterMs })',
    'previousMs: delayMs, random })',
    'S22',
  ),
  bug(
    'a line kept without the lease',
    'Who was overtaken goes on listening.',
    'src/engine/read-path.js',
    'disowned: realtime.end,',
    'disowned: () => { },',
    'L9',
  ),
  bug(
    'a lost line that is still believed',
    'Polling rests though nobody tells.',
    REALTIME,
    "state.value.phase === 'connected'",
    "state.value.phase !== 'off'",
    'L6',
  ),
  bug(
    'no pull beside a line',
    'Every hint is believed to come.',
    'src/engine/puller.js',
    'return everyMs === 0 ? Infinity : Math.max(',
    'return everyMs === 0 || isTold() ? Infinity : Math.max(',
    'S20',
  ),
]
