// The reference server, with faults, in a process of its own. Prints its address; tells its ledger over HTTP. Lives until it is killed.
import { argv, stdout } from 'node:process'
import { startServer } from 'synchart/server'

const [, , rate, seed] = argv
const server = await startServer({
  inspect: true,
  faults: { rate: Number(rate), seed: Number(seed), retryAfterMaxSeconds: 0, delayMaxMs: 20 },
})
stdout.write(`${server.url}\n`)
