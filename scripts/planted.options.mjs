import { argumentsOf, MAX_WORKERS } from './arguments.mjs'

const HELP = `npm run planted -- [--only "part of a name"] [--budget 40] [--workers 2] [--anew] [--remember] [--json]
  --budget    so many seeds for each bug (default 400)
  --workers   so many bugs at a time (default: as many as there are cores)
  --anew      seeds from 1 upwards, without trying the remembered one first
  --remember  writes the seeds that caught into test/simulation/planted/seeds.json
Exit codes: 0 every bug was caught, 1 not so, 2 wrong usage.`

export const values = argumentsOf({
  name: 'planted',
  help: HELP,
  options: {
    only: { type: 'string', default: '' },
    budget: { type: 'string', default: '400' },
    workers: { type: 'string' },
    anew: { type: 'boolean', default: false },
    remember: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  numbers: { budget: [1, 1_000_000], workers: [1, MAX_WORKERS] },
})
