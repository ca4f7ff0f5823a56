// Runs seeds again and again, each time with a crash at another call of a port: `npm run crash -- --seeds 10 --from 1`, or one alone: `--seed 7 --at 123`.
import { availableParallelism } from 'node:os'
import { exit } from 'node:process'
import { argumentsOf, MAX_SEED, tooManySeeds } from './arguments.mjs'
import { simulate } from '../dist/src/testing/simulate.js'
import { storyOf } from '../dist/src/testing/story.js'
import { runWorkers } from './workers.mjs'

const HELP = `npm run crash -- [--seeds 10] [--from 1] [--workers ${availableParallelism()}] [--devices 1] [--tabs 2] [--steps 12] [--faults]
npm run crash -- --seed 7 [--at 123]
  --seeds    how many seeds to run, each with a crash at every point
  --from     the first of them
  --workers  how many processes share them
  --devices  so many of them, with --tabs each, on which --steps things are done
  --faults   with what else goes wrong
  --seed     runs this one alone, with a crash at the point --at (0: none), and tells its story`

const values = argumentsOf({
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
    workers: [1],
  },
  check: (given) =>
    given.seed === undefined && given.at !== 0 ? '--at says where to crash one seed: it needs --seed.' : tooManySeeds(given),
})
const options = {
  hasFaults: values.faults,
  shape: { deviceCount: values.devices, tabsPerDevice: values.tabs, steps: values.steps },
}

exit(values.seed === undefined ? await many(values.from, values.seeds) : await one(values.seed, values.at))

async function one(seed, crashAt) {
  const result = await simulate(seed, { ...options, crashAt, keepsText: true })
  console.log(storyOf(result).join('\n'))
  return result.violations.length === 0 ? 0 : 1
}

async function many(from, count) {
  const seeds = Array.from({ length: count }, (_, at) => from + at)
  const total = { points: 0, failures: 0 }
  const take = () => {
    const seed = seeds.shift()
    return seed === undefined ? undefined : { seed, options }
  }
  await runWorkers('crash-worker.mjs', values.workers, take, (report) => tell(report, total))
  console.log(`${total.points} crashes, ${total.failures} of them did harm`)
  return total.failures === 0 ? 0 : 1
}

function tell({ seed, points, failures }, total) {
  total.points += points
  total.failures += failures.length
  console.log(`seed ${seed}: ${points} crashes${failures.length === 0 ? '' : `, ${failures.length} did harm`}`)
  for (const { crashAt, violation } of failures.slice(0, 3))
    console.log(
      `  at ${crashAt}: ${violation.invariant}: ${violation.sentence}\n  again: npm run crash -- ${again(seed, crashAt)}`,
    )
}

function again(seed, crashAt) {
  const shape = `--devices ${values.devices} --tabs ${values.tabs} --steps ${values.steps}`
  return `--seed ${seed} --at ${crashAt} ${shape}${values.faults ? ' --faults' : ''}`
}
