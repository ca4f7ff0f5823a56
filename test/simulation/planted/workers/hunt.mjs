// Runs seeds against changed copies of dist until one of the named invariants is violated in a seed that the code as it is gets through.
// Argument: dist itself. Each message is a job, { copy, invariants, seeds, held }, and is answered by what was found, and which seeds the code as it is got through.
import { join } from 'node:path'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { useLightAbort } from '../../../../scripts/light-abort.mjs'

useLightAbort()

// Stacks of the many errors that a storm makes would cost more than all the rest of them.
Error.stackTraceLimit = 0

const simulatorIn = (folder) => import(pathToFileURL(join(folder, 'src/testing/simulate.js')))
const sound = await simulatorIn(argv[2])

process.on('message', (job) => {
  const held = new Map(job.held)
  void hunt(job, held).then((found) => process.send({ found, held: [...held] }))
})

async function hunt({ copy, invariants, seeds }, held) {
  const changed = await simulatorIn(copy)
  const others = {}
  let tried = 0
  for (const seed of seeds) {
    tried += 1
    const { violations } = await changed.simulate(seed)
    if (violations.length === 0 || !(await holds(seed, held))) continue
    const violation = violations.find(({ invariant }) => invariants.includes(invariant))
    if (violation !== undefined) return { caught: { seed, ...violation }, tried, others }
    const [{ invariant }] = violations
    others[invariant] = (others[invariant] ?? 0) + 1
  }
  return { tried, others }
}

/** Whether the code as it is gets through this seed. */
async function holds(seed, held) {
  if (!held.has(seed)) held.set(seed, (await sound.simulate(seed)).violations.length === 0)
  return held.get(seed)
}
