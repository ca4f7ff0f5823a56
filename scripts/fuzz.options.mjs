import { argumentsOf, MAX_SEED } from './arguments.mjs'
import { KINDS } from './fuzz/names.mjs'

const HELP = `npm run fuzz -- [--count 1000] [--seed 1] [--kind rows] [--json]
  --count  how many random and hostile payloads, answers, batches, pages, digests, messages, frames and stored rows, in all
  --seed   of all of them
  --kind   only these: ${KINDS.join(', ')}
  --json   the figures for machines
Exit codes: 0 no crash, no pollution, no unhandled rejection, no lost operation; 1 one of these, or a case that hangs; 2 wrong usage.`

export const values = argumentsOf({
  name: 'fuzz',
  help: HELP,
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    kind: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
  check: ({ kind }) => (kind === undefined || KINDS.includes(kind) ? undefined : `--kind must be one of ${KINDS.join(', ')}.`),
  numbers: { count: [1, 100_000_000], seed: [0, MAX_SEED] },
})
