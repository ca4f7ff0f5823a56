import { argumentsOf, MAX_SEED } from './arguments.mjs'

const HELP = `npm run fuzz -- [--count 1000] [--seed 1] [--json]
  --count  how many random and hostile payloads, answers, pages, messages and stored rows, in all
  --seed   of all of them
  --json   the figures for machines
Exit codes: 0 no crash, no pollution, no unhandled rejection, no lost operation; 1 one of these; 2 wrong usage.`

export const values = argumentsOf({
  name: 'fuzz',
  help: HELP,
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
  numbers: { count: [1, 100_000_000], seed: [0, MAX_SEED] },
})
