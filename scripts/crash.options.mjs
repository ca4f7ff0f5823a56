import { availableParallelism } from 'node:os'
import { argumentsOf, MAX_SEED, MAX_WORKERS, tooManySeeds } from './arguments.mjs'

const HELP = `npm run crash -- [--seeds 10] [--from 1] [--workers ${availableParallelism()}] [--devices 1] [--tabs 2] [--steps 12] [--faults]
npm run crash -- --seed 7 [--at 123]
  --seeds    how many seeds to run, each with a crash at every point
  --from     the first of them
  --workers  how many processes share them
  --devices  so many of them, with --tabs each, on which --steps things are done
  --faults   with what else goes wrong
  --seed     runs this one alone, with a crash at the point --at (0: none), and tells its story`

export const values = argumentsOf({
  name: 'crash',
  help: HELP,
  options: {
    seeds: { type: 'string', default: '10' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    at: { type: 'string', default: '0' },
    faults: { type: 'boolean', default: false },
    devices: { type: 'string', default: '1' },
    tabs: { type: 'string', default: '2' },
    steps: { type: 'string', default: '12' },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
  numbers: {
    seeds: [1],
    from: [0, MAX_SEED],
    seed: [0, MAX_SEED],
    at: [0],
    devices: [1, 100],
    tabs: [1, 100],
    steps: [1, 100_000],
    workers: [1, MAX_WORKERS],
  },
  check: (given) =>
    given.seed === undefined && given.at !== 0 ? '--at says where to crash one seed: it needs --seed.' : tooManySeeds(given),
})
