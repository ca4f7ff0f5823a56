// Runs seeds against a changed copy of dist until one of the named invariants is violated in a seed that the code as it is gets through.
// Arguments: the copy, dist itself, and { invariants, seeds } as JSON. Prints one line of JSON.
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import { pathToFileURL } from 'node:url'

const [copy, dist, plan] = argv.slice(2)
const { invariants, seeds } = JSON.parse(plan)
// Stacks of the many errors that a storm makes would cost more than all the rest of them.
Error.stackTraceLimit = 0

const [changed, sound] = await Promise.all(
  [copy, dist].map((folder) => import(pathToFileURL(join(folder, 'src/testing/simulate.js')))),
)
stdout.write(JSON.stringify(await hunt()))

async function hunt() {
  const others = {}
  let tried = 0
  for (const seed of seeds) {
    tried += 1
    const { violations } = await changed.simulate(seed)
    if (violations.length === 0 || (await sound.simulate(seed)).violations.length > 0) continue
    const violation = violations.find(({ invariant }) => invariants.includes(invariant))
    if (violation !== undefined) return { caught: { seed, ...violation }, tried, others }
    const [{ invariant }] = violations
    others[invariant] = (others[invariant] ?? 0) + 1
  }
  return { tried, others }
}
