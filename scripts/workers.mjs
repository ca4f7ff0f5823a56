import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Simulated errors need no stack, and a larger nursery spares a tenth of the time. */
const NODE_OPTIONS = ['--stack-trace-limit=0', '--max-semi-space-size=32']

/** So many processes of that script take jobs until `take` gives undefined, and report what came of each. */
export async function runWorkers(script, count, take, report) {
  await Promise.all(Array.from({ length: count }, () => work(script, take, report)))
}

function work(script, take, report) {
  return new Promise((resolve, reject) => {
    const worker = fork(fileURLToPath(new URL(script, import.meta.url)), { execArgv: NODE_OPTIONS })
    const give = () => {
      const job = take()
      if (job === undefined) worker.disconnect()
      else worker.send(job)
    }
    worker.on('message', (news) => {
      report(news)
      give()
    })
    worker.on('error', reject)
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`A worker ended with ${code}.`))))
    give()
  })
}
