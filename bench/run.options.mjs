import { argumentsOf } from '../scripts/arguments.mjs'

const USUAL = ['enqueue', 'encryption', 'drain', 'audit', 'scale', 'overhead', 'recorder', 'coalesce', 'pull', 'view', 'realtime']
const KNOWN = [...USUAL, 'handover', 'inspector']

const HELP = `npm run bench -- [--only ${KNOWN.join(',')}] [--rounds 5] [--quick] [--history file] [--json]
  handover   in real tabs of a Chromium; not among the default ones
  inspector  its page in a real Chromium, while an engine tells it 6,000 lines a second; not among the default ones
  --quick    a tenth of the operations: for a look, not for figures
  --history  writes to coalesce, one JSON object a line (default: examples/data/history-2000.ndjson)`

const given = argumentsOf({
  name: 'bench',
  help: HELP,
  options: {
    only: { type: 'string', default: USUAL.join(',') },
    rounds: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    history: { type: 'string', default: new URL('../examples/data/history-2000.ndjson', import.meta.url).pathname },
    json: { type: 'boolean', default: false },
  },
  numbers: { rounds: [1] },
  check({ only }) {
    const unknown = only.split(',').filter((name) => !KNOWN.includes(name))
    return unknown.length === 0 ? undefined : `--only names what is no bench: ${unknown.join(', ')}.`
  },
})
export const values = { ...given, names: given.only.split(',') }
