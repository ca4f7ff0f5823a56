import { argumentsOf, MAX_SEED } from './arguments.mjs'

const HELP = `npm run converge -- [--seconds 60] [--seed 1] [--json]
  --seconds  how long two devices edit the same 50 entities, while every tenth request fails
  --seed     of the edits and the faults; when they meet is left to the machine
  --json     the figures for machines
Exit codes: 0 both devices and the server agree and every conflict was settled as its strategy says, 1 not so, 2 wrong usage.`

export const values = argumentsOf({
  name: 'converge',
  help: HELP,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
  numbers: { seconds: [1, 86_400], seed: [0, MAX_SEED - 1] },
})
