import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Found } from '../hunt.ts'

/** Seeds that are to be run against a changed copy of `dist`, and the invariants that must tell of the change. */
export interface Job {
  readonly copy: string
  readonly invariants: readonly string[]
  readonly seeds: readonly number[]
}

export interface Workers {
  /** Makes the job when its turn has come, and runs it. */
  run(make: () => Promise<Job>): Promise<Found & { readonly seconds: number }>
  close(): void
}

interface Task {
  readonly make: () => Promise<Job>
  readonly resolve: (found: Found & { readonly seconds: number }) => void
  readonly reject: (error: Error) => void
}

/** Each copy stays in the memory of the process that ran it. */
const JOBS_OF_ONE = 20

/** Processes that run one job after the other: what all jobs have in common is loaded once. */
export function createWorkers({ root, count, limitMs }: { root: string; count: number; limitMs: number }): Workers {
  const waiting: Task[] = []
  const busy = new Set<ChildProcess>()
  const idle: { readonly child: ChildProcess; readonly done: number }[] = []
  /** Whether the code as it is gets through a seed: what one process has found serves all. */
  const held = new Map<number, boolean>()

  function next(): void {
    while (busy.size < count) {
      const task = waiting.shift()
      if (task === undefined) return
      const { child, done } = idle.pop() ?? { child: made(), done: 0 }
      busy.add(child)
      void perform(child, task, done)
    }
  }

  async function perform(child: ChildProcess, { make, resolve, reject }: Task, done: number): Promise<void> {
    const begun = performance.now()
    try {
      const answer = await answerOf(child, { ...(await make()), held: [...held] }, limitMs)
      for (const [seed, holds] of answer.held) held.set(seed, holds)
      resolve({ ...answer.found, seconds: (performance.now() - begun) / 1_000 })
      if (done < JOBS_OF_ONE) idle.push({ child, done: done + 1 })
      else child.kill()
    } catch (error) {
      child.kill('SIGKILL')
      reject(error instanceof Error ? error : new Error(String(error)))
    }
    busy.delete(child)
    next()
  }

  function made(): ChildProcess {
    const file = join(root, 'test/simulation/planted/workers/hunt.mjs')
    return fork(file, [join(root, 'dist')], { execArgv: ['--max-semi-space-size=32'], silent: true })
  }

  return {
    run: (make) =>
      new Promise((resolve, reject) => {
        waiting.push({ make, resolve, reject })
        next()
      }),
    close() {
      for (const child of [...busy, ...idle.map((one) => one.child)]) child.kill('SIGKILL')
    },
  }
}

type Held = readonly (readonly [seed: number, holds: boolean])[]

interface Answer {
  readonly found: Found
  readonly held: Held
}

function answerOf(child: ChildProcess, job: Job & { readonly held: Held }, limitMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let complaint = ''
    const end = (finish: () => void): void => {
      clearTimeout(timer)
      child.removeAllListeners()
      child.stderr?.removeAllListeners()
      finish()
    }
    const timer = setTimeout(() => end(() => reject(new Error(`The hunt took more than ${limitMs} ms.`))), limitMs)
    child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
    child.once('message', (answer: Answer) => end(() => resolve(answer)))
    child.once('error', (error) => end(() => reject(error)))
    child.once('exit', (status, signal) =>
      end(() => reject(new Error(`The hunt ended with ${status ?? signal}. ${complaint.slice(-2_000)}`))),
    )
    child.send(job)
  })
}
