// Runs seeds against changed copies of dist until one of the named invariants is violated in a seed that the code as it is gets through.
// Argument: dist itself. Each message is a job, { copy, invariants, seeds }, and is answered by what was found.
import { join } from 'node:path'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { useLightAbort } from '../../../../scripts/light-abort.mjs'

useLightAbort()
// Stacks of the many errors that a storm makes would cost more than all the rest of them.
Error.stackTraceLimit = 0

const simulatorIn = (folder) => import(pathToFileURL(join(folder, 'src/testing/simulate.js')))
const sound = await simulatorIn(argv[2])
const known = new Map()

process.on('message', (job) => void hunt(job).then((found) => process.send(found)))

async function hunt({ copy, invariants, seeds }) {
  const changed = await simulatorIn(copy)
  const others = {}
  let tried = 0
  for (const seed of seeds) {
    tried += 1
    const { violations } = await changed.simulate(seed)
    if (violations.length === 0 || !(await holds(seed))) continue
    const violation = violations.find(({ invariant }) => invariants.includes(invariant))
    if (violation !== undefined) return { caught: { seed, ...violation }, tried, others }
    const [{ invariant }] = violations
    others[invariant] = (others[invariant] ?? 0) + 1
  }
  return { tried, others }
}

/** Whether the code as it is gets through this seed. */
async function holds(seed) {
  const result = known.get(seed) ?? (await sound.simulate(seed)).violations.length === 0
  known.set(seed, result)
  return result
}
