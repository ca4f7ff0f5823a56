import { argumentsOf, MAX_SEED } from './arguments.mjs'

const HELP = `npm run history -- <file> [--kills 20] [--faults 0.1] [--seed 1] [--json] [-- options of synchart push]
  <file>    operations, one JSON object a line
  --kills   how often the client is killed by SIGKILL
  --faults  the share of requests that meets a fault
  --seed    of the faults and the kills
  --json    the figures for machines
Exit codes: 0 nothing was lost, doubled or out of order, 1 not so, 2 wrong usage.`

const given = argumentsOf({
  name: 'history',
  help: HELP,
  options: {
    kills: { type: 'string', default: '20' },
    faults: { type: 'string', default: '0.1' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
  numbers: { kills: [0], seed: [0, MAX_SEED] },
  allowPositionals: true,
  check({ faults, positionals: [file] }) {
    if (file === undefined) return 'Name a file of operations.'
    return faults !== '' && Number(faults) >= 0 && Number(faults) <= 1 ? undefined : '--faults must be a share from 0 to 1.'
  },
})
export const values = { ...given, faults: Number(given.faults) }
