import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'

export interface Effect {
  readonly key: string
  readonly client: string
  readonly sequence: number
  readonly id: string
}

export interface Worker {
  readonly lines: string[]
  /** Resolves at the first line that is as wanted. */
  until(wanted: (line: string) => boolean): Promise<void>
  kill(): void
  /** Resolves with the exit code or the signal, once all its output was read. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** Runs a file of test/crash/workers, which imports the built package. What a killed process was about to say is not among its lines. */
export function startWorker(name: string, ...parameters: readonly string[]): Worker {
  const file = fileURLToPath(new URL(`workers/${name}.mjs`, import.meta.url))
  const child = spawn(process.execPath, [file, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  const listeners = new Set<(line: string) => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const listener of listeners) listener(line)
  })
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => signal ?? code ?? -1)
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    lines,
    until: (wanted) =>
      new Promise((resolve, reject) => {
        if (lines.some(wanted)) return resolve()
        listeners.add((line) => wanted(line) && resolve())
        void ended.then((how) => reject(new Error(`${name} ended with ${how} before that.`)))
      }),
    kill: () => void child.kill('SIGKILL'),
    ended,
  }
}

export interface Store {
  readonly name: string
  readonly path: string
  /** What was acknowledged before a kill: key → when it was, in the order of the acknowledgements. */
  readonly acknowledged: Set<string>
}

const RUN_MS = 300
const STARTING_MS = 500

/** Lets one process after the other work on the store, and kills each at some instant; every eighth while it starts. */
export async function killAgainAndAgain(store: Store, url: string, chain: string, kills: number): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    const worker = startWorker('enqueue-and-drain', store.path, url, store.name, `${store.name}.${chain}.${kill}`)
    if (kill % 8 !== 7) await worker.until((line) => line === 'ready')
    await after(Math.random() * (kill % 8 === 7 ? STARTING_MS : RUN_MS))
    worker.kill()
    expect(await worker.ended).toBe('SIGKILL')
    for (const line of worker.lines) if (line.startsWith('+')) store.acknowledged.add(line.slice(1))
  }
}

/** The rest is sent; returns what did not end well. */
export async function finish(store: Store, url: string): Promise<string[]> {
  const worker = startWorker('enqueue-and-drain', store.path, url, store.name, '--finish')
  expect(await worker.ended).toBe(0)
  return worker.lines.filter((line) => line !== 'ready')
}

export async function ledgerOf(url: string): Promise<readonly Effect[]> {
  const { entries } = (await (await fetch(`${url}/_ledger`)).json()) as { entries: Effect[] }
  return entries
}

/** The fields of every note: keys of the updates that arrived. */
export async function arrivedAt(url: string): Promise<ReadonlySet<string>> {
  const { resources } = (await (await fetch(`${url}/_state/note`)).json()) as { resources: Record<string, unknown>[] }
  return new Set(resources.flatMap(({ id: _id, version: _version, ...fields }) => Object.keys(fields)))
}

/** What came more than once: under its key, or under another one. */
export function doubledIn(effects: readonly Effect[]): string[] {
  const seen = new Set<string>()
  return effects
    .flatMap(({ key, client, sequence }) => [`key ${client} ${key}`, `operation ${client} ${sequence}`])
    .filter((name) => seen.size === seen.add(name).size)
}

/** Effects that came after one of a later operation on the same entity. */
export function outOfOrderIn(effects: readonly Effect[]): string[] {
  const last = new Map<string, number>()
  return effects.flatMap(({ id, sequence }) => {
    const isLate = sequence <= (last.get(id) ?? 0)
    last.set(id, sequence)
    return isLate ? [`${id} #${sequence}`] : []
  })
}
