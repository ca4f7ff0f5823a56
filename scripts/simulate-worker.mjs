// Simulates the seeds that it is sent, and sends back what came of them.
import { useLightAbort } from './light-abort.mjs'
import { simulate } from '../dist/src/testing/simulate.js'

useLightAbort()

process.on('message', (chunk) => void simulateAll(chunk))

async function simulateAll({ from, count }) {
  const begun = process.cpuUsage()
  const news = { seeds: count, steps: 0, operations: 0, virtualMs: 0, cpuMs: 0, faults: {}, failures: [] }
  for (let seed = from; seed < from + count; seed++) {
    const { steps, operations, virtualMs, faults, violations } = await simulate(seed)
    news.steps += steps
    news.operations += operations
    news.virtualMs += virtualMs
    for (const [kind, fired] of faults) news.faults[kind] = (news.faults[kind] ?? 0) + fired
    if (violations.length > 0) news.failures.push(seed)
  }
  const { user, system } = process.cpuUsage(begun)
  news.cpuMs = (user + system) / 1_000
  process.send(news)
}
