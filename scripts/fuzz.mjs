// Random and hostile payloads, answers, pages, messages and stored rows, through the whole engine: `npm run fuzz -- --count 100000`.
import { exit, stderr } from 'node:process'
import { createScreen, table } from '../examples/start/screen.mjs'
import { KINDS } from './fuzz/kinds.mjs'
import { watchProcess } from './fuzz/watch.mjs'
import { values } from './fuzz.options.mjs'

const { count, seed, json } = values
const BATCH = 100
const screen = createScreen(stderr)
const watch = watchProcess()
const done = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 0]))
const begun = performance.now()
let problems = []

for (let total = 0, batch = 0; total < count && problems.length === 0; batch++) {
  const [kind, run] = Object.entries(KINDS)[batch % Object.keys(KINDS).length]
  const size = Math.min(BATCH, count - total)
  problems = [...(await run((seed + batch * 7_919) % 2 ** 31, size)), ...(await watch.problems())].map(
    (problem) => `${kind}, batch ${batch}: ${problem}`,
  )
  done[kind] += size
  total += size
  screen.progress(total, count, `${total.toLocaleString('en-US')} of ${count.toLocaleString('en-US')}, ${rate(total)} a second`)
}

const total = Object.values(done).reduce((sum, one) => sum + one, 0)
if (json) console.log(JSON.stringify({ seed, count: total, perSecond: rate(total), ...done, problems }))
else {
  screen.say('')
  console.log(table([...Object.entries(done), ['a second', rate(total)]]).join('\n'))
  console.log(problems.length === 0 ? 'No crash, no pollution, no unhandled rejection, no lost operation.' : problems.join('\n'))
}
exit(problems.length === 0 ? 0 : 1)

function rate(total) {
  return Math.round((total / (performance.now() - begun)) * 1_000)
}
