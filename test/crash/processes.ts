import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Told {
  readonly type: string
  readonly path?: string
  readonly epoch?: number
  readonly takeover?: boolean
  readonly entityId?: string
  readonly status?: string
  readonly outcome?: string
}

interface Reply extends Told {
  readonly call?: number
  readonly result?: unknown
  readonly error?: string
}

export interface EngineProcess {
  readonly pid: number
  /** What it has told, in order. */
  readonly told: readonly Told[]
  /** Has it do something; rejects with what failed there. */
  call(type: string, parameters?: object): Promise<unknown>
  /** What it told, or will tell, that matches. */
  until(matches: (told: Told) => boolean): Promise<Told>
  signal(signal: NodeJS.Signals): void
  /** Kills it, stopped or not. */
  end(): Promise<void>
}

const WORKER = fileURLToPath(new URL('workers/engines.mjs', import.meta.url))

/** A process that runs engines of the built package. */
export async function startProcess(url: string): Promise<EngineProcess> {
  const child: ChildProcess = fork(WORKER, [url], { execArgv: ['--no-warnings'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const told: Told[] = []
  const listeners = new Set<(told: Told) => void>()
  const calls = new Map<number, (reply: Reply) => void>()
  let last = 0
  child.on('message', (message: Reply) => {
    if (message.type === 'reply') return calls.get(message.call ?? 0)?.(message)
    told.push(message)
    for (const listener of listeners) listener(message)
  })

  function until(matches: (told: Told) => boolean): Promise<Told> {
    return new Promise((resolve) => {
      const known = told.find(matches)
      if (known !== undefined) return resolve(known)
      const listener = (message: Told): void => {
        if (!matches(message)) return
        listeners.delete(listener)
        resolve(message)
      }
      listeners.add(listener)
    })
  }

  await until(({ type }) => type === 'ready')
  return {
    pid: child.pid!,
    told,
    until,
    call(type, parameters = {}) {
      const call = ++last
      return new Promise((resolve, reject) => {
        calls.set(call, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))))
        child.send({ call, type, ...parameters })
      })
    },
    signal: (signal) => void child.kill(signal),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The first of the processes that tells what matches. */
export async function firstOf(processes: readonly EngineProcess[], matches: (told: Told) => boolean): Promise<EngineProcess> {
  return Promise.race(processes.map((each) => each.until(matches).then(() => each)))
}
