import { availableParallelism } from 'node:os'
import { argumentsOf, MAX_SEED, MAX_WORKERS, tooManySeeds } from './arguments.mjs'

const HELP = `npm run simulate -- [--seeds 1000] [--from 1] [--workers ${availableParallelism()}] [--json]
npm run simulate -- --seed 4711 [--text] [--trace file] [--json]
  --seeds    how many seeds to run, until one fails
  --from     the first of them
  --workers  how many processes share them
  --seed     runs this one alone and tells its story if it fails
  --text     and everything that happened
  --trace    writes what the engines did to this file, which the inspector opens (docs/trace-format.md)
  --json     one line of JSON instead: what was done, and the first seed that failed with its violation`

export const values = argumentsOf({
  name: 'simulate',
  help: HELP,
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    text: { type: 'boolean', default: false },
    trace: { type: 'string' },
    json: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
  numbers: { seeds: [1], from: [0, MAX_SEED], workers: [1, MAX_WORKERS], seed: [0, MAX_SEED] },
  check(given) {
    if (given.json && given.text) return '--json and --text exclude each other.'
    const ofOneRun = given.trace === undefined ? given.text && '--text' : '--trace'
    if (ofOneRun && given.seed === undefined) return `${ofOneRun} is of one run: give it with --seed.`
    return tooManySeeds(given)
  },
})
