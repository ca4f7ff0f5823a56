import { Worker } from 'node:worker_threads'

/**
 * Runs the script in a thread of its own until it ends, and passes on what it says; gives what went wrong with it, if anything did. One that says nothing
 * for so long is ended: it may be in a loop that nothing within it could leave. Its last word is `{ type: 'end' }`: without it, it stopped on the way.
 */
export function guarded(script, { workerData, limitMs }, heard) {
  return new Promise((resolve) => {
    const worker = new Worker(script, { workerData })
    let timer
    let early = 'the thread ended before it was done.'
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(() => end(`it hangs: nothing came to an end for ${limitMs / 1_000} s.`), limitMs)
    }
    const end = (problem) => {
      clearTimeout(timer)
      void worker.terminate()
      resolve(problem)
    }
    wait()
    worker.on('message', (news) => {
      wait()
      if (news?.type === 'end') early = undefined
      else heard(news)
    })
    worker.on('error', (error) => end(`crash: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`))
    worker.on('exit', (code) => end(code === 0 ? early : `the thread ended with ${code}.`))
  })
}
