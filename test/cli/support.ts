import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { startServer, type ServerOptions, type SynchartServer } from '../../src/server/index.ts'
import type { ListenOptions } from '../../src/server/index.ts'

export const command = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

export interface Result {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Progress {
  readonly stored: number
  readonly ended: number
  readonly total: number
  readonly requests: number
  readonly role: string
  readonly waitingFor?: string
}

export interface Running {
  readonly pid: number
  kill(signal: NodeJS.Signals): void
  /** Resolves with the first state of `--progress json` that is as wanted. */
  progress(wanted: (state: Progress) => boolean): Promise<Progress>
  /** Resolves when stdout has this. */
  says(text: string): Promise<string>
  readonly ended: Promise<Result>
}

/** The built command, as a user runs it. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): Running {
  if (!existsSync(command)) throw new Error('Build first: npm run build')
  const child = spawn(process.execPath, [command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd,
  })
  let [stdout, stderr] = ['', '']
  const listeners = new Set<() => void>()
  const states: Progress[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const listener of listeners) listener()
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr += `${line}\n`
    if (line.startsWith('{"type":"progress"')) states.push(JSON.parse(line) as Progress)
    for (const listener of listeners) listener()
  })
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]): Result => {
    for (const listener of listeners) listener()
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr }
  })
  onTestFinished(() => void child.kill('SIGKILL'))

  function until<T>(found: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const value = found()
        if (value === undefined) return
        listeners.delete(look)
        resolve(value)
      }
      listeners.add(look)
      look()
      void ended.then(() => reject(new Error(`It ended before that: ${stdout}\n${stderr}`)))
    })
  }

  return {
    pid: child.pid!,
    kill: (signal) => void child.kill(signal),
    progress: (wanted) => until(() => states.find(wanted)),
    says: (text) => until(() => (stdout.includes(text) ? stdout : undefined)),
    ended,
  }
}

export function run(args: readonly string[], env?: Readonly<Record<string, string>>, cwd?: string): Promise<Result> {
  return start(args, env, cwd).ended
}

export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'synchart-cli-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A file of operations in a folder of its own: each given as text or as an object. */
export async function fileOf(lines: readonly (string | object)[], name = 'ops.ndjson'): Promise<string> {
  const path = join(await folder(), name)
  await writeFile(path, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
  return path
}

export async function serverOf(options: ServerOptions & ListenOptions = {}): Promise<SynchartServer & { readonly url: string }> {
  const server = await startServer(options)
  onTestFinished(() => server.close())
  return server
}

/** What a server has of an entity, by id, without versions. */
export function valuesOf(server: SynchartServer, entity = 'note'): Record<string, unknown> {
  const resources = server.state(entity) as { id: string; version: string }[]
  return Object.fromEntries(resources.map(({ id, version: _version, ...value }) => [id, value]))
}

export interface Summary {
  readonly lines: number
  readonly accepted: number
  readonly known: number
  readonly bad: number
  readonly badLines: readonly { readonly line: number; readonly reason: string }[]
  readonly ignoredFields: Record<string, { readonly lines: number; readonly firstLine: number }>
  readonly run: { readonly requests: number; readonly retries: number; readonly takeovers: number }
  readonly inStore: {
    readonly operations: number
    readonly live: number
    readonly byStatus: Record<string, number>
    readonly rejected: readonly { readonly id: string; readonly entityId: string }[]
    readonly parked: readonly { readonly id: string; readonly entityId: string }[]
  }
  readonly finished: boolean
  readonly stopped?: { readonly type: string }
}

export function summaryOf({ stdout }: Result): Summary {
  return JSON.parse(stdout) as Summary
}

/** So many notes, each created and then updated. */
export function notes(count: number): object[] {
  return Array.from({ length: count }, (_, i) => [
    { type: 'create', entity: 'note', id: `n${i}`, payload: { title: `Note ${i}` } },
    { type: 'update', entity: 'note', id: `n${i}`, payload: { done: i } },
  ]).flat()
}

/** The effects of a ledger that came twice, or after a later one on the same entity. */
export function faultsOfOrder(server: SynchartServer): { readonly doubled: string[]; readonly outOfOrder: string[] } {
  const keys = new Set<string>()
  const last = new Map<string, number>()
  const [doubled, outOfOrder]: [string[], string[]] = [[], []]
  for (const { key, client, sequence, entity, id } of server.ledger()) {
    for (const name of [key, `${client} ${sequence}`]) {
      if (keys.has(name)) doubled.push(name)
      keys.add(name)
    }
    if ((sequence ?? 0) <= (last.get(`${entity}/${id}`) ?? 0)) outOfOrder.push(`${entity}/${id} #${sequence}`)
    last.set(`${entity}/${id}`, sequence ?? 0)
  }
  return { doubled, outOfOrder }
}
