import { availableParallelism } from 'node:os'
import { argumentsOf, MAX_SEED, tooManySeeds } from './arguments.mjs'

const HELP = `npm run simulate -- [--seeds 1000] [--from 1] [--workers ${availableParallelism()}] [--json]
npm run simulate -- --seed 4711 [--trace] [--json]
  --seeds    how many seeds to run, until one fails
  --from     the first of them
  --workers  how many processes share them
  --seed     runs this one alone and tells its story if it fails
  --trace    and everything that happened
  --json     one line of JSON instead: what was done, and the first seed that failed with its violation`

export const values = argumentsOf({
  name: 'simulate',
  help: HELP,
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
  numbers: { seeds: [1], from: [0, MAX_SEED], workers: [1], seed: [0, MAX_SEED] },
  check: (given) => (given.json && given.trace ? '--json and --trace exclude each other.' : tooManySeeds(given)),
})
