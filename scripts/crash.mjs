// Runs seeds again and again, each time with a crash at another call of a port: `npm run crash -- --seeds 10 --from 1`, or one alone: `--seed 7 --at 123`.
import { exit } from 'node:process'
import { values } from './crash.options.mjs'
import { simulate } from '../dist/src/testing/simulate.js'
import { storyOf } from '../dist/src/testing/story.js'
import { runWorkers } from './workers.mjs'

const options = {
  hasFaults: values.faults,
  shape: { deviceCount: values.devices, tabsPerDevice: values.tabs, steps: values.steps },
}

exit(values.seed === undefined ? await many(values.from, values.seeds) : await one(values.seed, values.at))

async function one(seed, crashAt) {
  const result = await simulate(seed, { ...options, crashAt, keepsText: true })
  if (crashAt > result.crashPoints) {
    console.error(`crash: --at ${crashAt} is none of the ${result.crashPoints} points of seed ${seed}, so nothing has crashed.`)
    return 2
  }
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
