// Runs batch after batch in a thread that can be ended from outside, and says where it is.
import { parentPort, workerData } from 'node:worker_threads'
import { RUNS } from './kinds.mjs'
import { textOf, watchProcess } from './watch.mjs'

const BATCH = 100
const { count, seed, kinds } = workerData
const watch = watchProcess()
let isSound = true

for (let total = 0, batch = 0; total < count && isSound; batch++) {
  const kind = kinds[batch % kinds.length]
  const size = Math.min(BATCH, count - total)
  const place = { kind, batch, seed: (seed + batch * 7_919) % 2 ** 31 }
  const isAt = (number) => parentPort.postMessage({ type: 'case', ...place, case: number })
  isAt(0)
  const failed = (error) => [`the fuzz itself failed: ${textOf(error)}`]
  const found = [...(await RUNS[kind](place.seed, size, isAt).catch(failed)), ...(await watch.problems())]
  parentPort.postMessage({ type: 'batch', ...place, size, found })
  isSound = found.length === 0
  total += size
}
parentPort.postMessage({ type: 'end' })
process.exit()
