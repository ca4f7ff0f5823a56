// Random and hostile payloads, answers, pages, messages and stored rows, through the whole engine: `npm run fuzz -- --count 100000`.
import { exit, stderr } from 'node:process'
import { createScreen, table } from '../examples/start/screen.mjs'
import { guarded } from './fuzz/guard.mjs'
import { KINDS } from './fuzz/names.mjs'
import { values } from './fuzz.options.mjs'

const { count, seed, kind, json } = values
/** Without news for so long it hangs: each call in it may take 30 s. */
const LIMIT_MS = 180_000
const screen = createScreen(stderr)
const kinds = kind === undefined ? KINDS : [kind]
const done = Object.fromEntries(kinds.map((name) => [name, 0]))
const begun = performance.now()
const problems = []
let at

const workerData = { count, seed, kinds }
const end = await guarded(new URL('fuzz/worker.mjs', import.meta.url), { workerData, limitMs: LIMIT_MS }, (news) => {
  if (news.type === 'case') at = news
  else heard(news)
})
if (end !== undefined) problems.push(`${placeOf(at)}: ${end}`)

const total = totalOf(done)
if (json) console.log(JSON.stringify({ seed, count: total, perSecond: rate(total), ...done, problems }))
else {
  screen.say('')
  console.log(table([...Object.entries(done), ['a second', rate(total)]]).join('\n'))
  console.log(problems.length === 0 ? 'No crash, no pollution, no unhandled rejection, no lost operation.' : problems.join('\n'))
}
exit(problems.length === 0 ? 0 : 1)

function heard({ kind: name, size, found, ...batch }) {
  done[name] += size
  problems.push(...found.map((problem) => `${placeOf({ ...at, ...batch, kind: name })}: ${problem}`))
  const all = totalOf(done)
  screen.progress(all, count, `${all.toLocaleString('en-US')} of ${count.toLocaleString('en-US')}, ${rate(all)} a second`)
}

function placeOf(place) {
  if (place === undefined) return 'before the first case'
  const { kind: name, batch, seed: own, case: number = 0 } = place
  return `${name}, batch ${batch}, from case ${number} on (npm run fuzz -- --kind ${name} --seed ${own} --count 100)`
}

function totalOf(counts) {
  return Object.values(counts).reduce((sum, one) => sum + one, 0)
}

function rate(all) {
  return Math.round((all / (performance.now() - begun)) * 1_000)
}
