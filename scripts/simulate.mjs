// Simulates seed after seed on all cores, until one fails: `npm run simulate -- --seeds 10000 --from 1`, or one alone: `--seed 7`, with `--text` all that happens in it, with `--trace` in a file for the inspector.
import { writeFileSync } from 'node:fs'
import { exit, stderr, stdout } from 'node:process'
import { useLightAbort } from './light-abort.mjs'
import { values } from './simulate.options.mjs'
import { runWorkers } from './workers.mjs'
import { replay, simulate } from '../dist/src/testing/simulate.js'
import { shrink } from '../dist/src/testing/shrink.js'
import { storyOf } from '../dist/src/testing/story.js'

const SHRINK_RUNS = 400
const CHUNK = 20
const TELL_EVERY_MS = 10_000

useLightAbort()
exit(values.seed === undefined ? await many(values.from, values.seeds) : await one(values.seed))

async function one(seed) {
  if (values.trace !== undefined && !isWritable(values.trace)) return 2
  const result = await simulate(seed, { keepsText: true, keepsTrace: values.trace !== undefined })
  const { steps, operations, virtualMs, hash, violations } = result
  if (values.trace !== undefined) writeFileSync(values.trace, result.trace)
  if (values.json)
    return json({ seeds: 1, steps, operations, virtualMs, faults: Object.fromEntries(result.faults), hash }, violations, seed)
  if (values.text) console.log(result.lines.join('\n'))
  console.log(`Seed ${seed}: ${steps} steps, ${operations} operations, ${seconds(virtualMs)} of virtual time, trace ${hash}.`)
  console.log(faultsText(Object.fromEntries(result.faults)))
  if (violations.length === 0) return 0
  await explain(seed, result)
  return 1
}

/** Before the run, which is in vain otherwise. */
function isWritable(file) {
  try {
    writeFileSync(file, '')
    return true
  } catch (error) {
    console.error(`simulate: --trace can't be written: ${error.message}.`)
    return false
  }
}

/** For programs; the exit code is the same. */
function json(done, violations, seed) {
  const [failure] = violations.map(({ invariant, sentence, at }) => ({ seed, invariant, sentence, at }))
  console.log(JSON.stringify({ ...done, ...(failure === undefined ? {} : { failure }) }))
  return failure === undefined ? 0 : 1
}

async function many(from, count) {
  const total = { seeds: 0, steps: 0, operations: 0, virtualMs: 0, cpuMs: 0, faults: {} }
  const failures = []
  const begun = performance.now()
  const tell = () => (values.json ? stderr : stdout).write(`${progress(total, count, begun)}\n`)
  const timer = setInterval(tell, TELL_EVERY_MS)
  let next = from
  const take = () => {
    if (failures.length > 0 || next >= from + count) return undefined
    const chunk = { from: next, count: Math.min(CHUNK, from + count - next) }
    next += chunk.count
    return chunk
  }
  await runWorkers('simulate-worker.mjs', values.workers, take, (news) => add(total, news, failures))
  clearInterval(timer)
  tell()
  const seed = failures.toSorted((a, b) => a - b)[0]
  const result = seed === undefined ? undefined : await simulate(seed, { keepsText: true })
  if (values.json) return json(total, result?.violations ?? [], seed)
  console.log(faultsText(total.faults))
  if (result === undefined) return 0
  await explain(seed, result)
  return 1
}

function add(total, news, failures) {
  for (const name of ['seeds', 'steps', 'operations', 'virtualMs', 'cpuMs']) total[name] += news[name]
  for (const [kind, fired] of Object.entries(news.faults)) total.faults[kind] = (total.faults[kind] ?? 0) + fired
  failures.push(...news.failures)
}

function progress({ seeds, steps, operations, virtualMs, cpuMs }, count, begun) {
  const perCore = cpuMs === 0 ? 0 : seeds / (cpuMs / 1_000)
  const elapsed = (performance.now() - begun) / 1_000
  return `${seeds} of ${count} seeds, ${(seeds / elapsed).toFixed(0)}/s (${perCore.toFixed(0)}/s a core), ${steps} steps, ${operations} operations, ${seconds(virtualMs)} of virtual time`
}

function faultsText(faults) {
  const texts = Object.entries(faults)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([kind, fired]) => `${kind} ${fired}`)
  return `Faults that fired: ${texts.join(', ') || 'none'}.`
}

async function explain(seed, result) {
  const { invariant, sentence } = result.violations[0]
  console.log(`\nSeed ${seed} violates ${invariant}: ${sentence}\nShrinking …`)
  const fails = async (tapes) => (await replay(tapes)).violations[0]?.invariant === invariant
  const tapes = await shrink(result.tapes, fails, SHRINK_RUNS)
  const shrunk = await replay(tapes, { keepsText: true })
  console.log(
    `\nThe same in a run of ${shrunk.steps} steps, where it shows in what happens there:\n${storyOf(shrunk).join('\n')}`,
  )
  console.log(
    `\nAgain: npm run simulate -- --seed ${seed}\nAnd everything that happens in it: npm run simulate -- --seed ${seed} --text\nFor the inspector: npm run simulate -- --seed ${seed} --trace seed-${seed}.ndjson`,
  )
}

function seconds(ms) {
  return ms < 600_000 ? `${Math.round(ms / 1_000)} s` : `${(ms / 3_600_000).toFixed(1)} h`
}
