import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface Worker {
  readonly process: ChildProcessByStdio<null, Readable, Readable>
  readonly pid: number
  /** Complete lines only: what a killed process was about to say is not among them. */
  lines(): AsyncIterable<string>
  /** Resolves with the signal that ended it, once all its output has been read. */
  readonly ended: Promise<NodeJS.Signals | null>
  /** What it said on stderr so far. */
  complaints(): string
}

/** Runs a file of test/adapters/workers, which imports the built package, in a process of its own. */
export function startWorker(name: string, ...parameters: readonly string[]): Worker {
  const file = fileURLToPath(new URL(`../workers/${name}.mjs`, import.meta.url))
  const child = spawn(process.execPath, ['--no-warnings', file, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  return {
    process: child,
    pid: child.pid!,
    lines: () => completeLines(child.stdout),
    ended: once(child, 'close').then(([, signal]: (NodeJS.Signals | null)[]) => signal ?? null),
    complaints: () => complaints,
  }
}

async function* completeLines(stream: Readable): AsyncIterable<string> {
  let rest = ''
  for await (const text of stream.setEncoding('utf8')) {
    const lines = (rest + String(text)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
