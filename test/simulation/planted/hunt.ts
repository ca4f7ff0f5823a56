import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import type { Violation } from '../../../src/testing/invariants/invariant.ts'
import { changed, type Bug } from './bug.ts'

/** What became of a planted bug. */
export interface Hunt {
  readonly bug: Bug
  readonly caught?: Violation & { readonly seed: number }
  readonly tried: number
  /** Violations of invariants that the bug does not name, and in how many seeds. */
  readonly others: Readonly<Record<string, number>>
  readonly seconds: number
}

export interface HuntOptions {
  /** Of the repository. */
  readonly root: string
  /** So many seeds, from 1 upwards; a bug that is not caught by then has survived. */
  readonly budget: number
  /** Tried first. */
  readonly seed?: number | undefined
  readonly limitMs: number
}

/** Plants the bug in a copy of `dist`, inside the repository so that its dependencies are found, and runs seeds against it. @throws StaleBugError */
export async function hunt(bug: Bug, { root, budget, seed, limitMs }: HuntOptions): Promise<Hunt> {
  const begun = performance.now()
  const copy = await planted(bug, root)
  try {
    const upwards = Array.from({ length: budget }, (_, at) => at + 1)
    const seeds = seed === undefined ? upwards : [seed, ...upwards.filter((other) => other !== seed)]
    const plan = JSON.stringify({ invariants: bug.invariants, seeds: seeds.slice(0, budget) })
    const worker = join(root, 'test/simulation/planted/workers/hunt.mjs')
    const said = await outputOf(['--max-semi-space-size=32', worker, copy, join(root, 'dist'), plan], limitMs)
    const found: Pick<Hunt, 'caught' | 'tried' | 'others'> = JSON.parse(said)
    return { bug, ...found, seconds: (performance.now() - begun) / 1_000 }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

async function planted(bug: Bug, root: string): Promise<string> {
  const dist = join(root, 'dist')
  const texts = new Map<string, string>()
  for (const change of bug.changes) {
    const text = texts.get(change.file) ?? (await readFile(join(dist, change.file), 'utf8'))
    texts.set(change.file, changed(text, change, bug.name))
  }
  await mkdir(join(root, '.planted'), { recursive: true })
  const copy = await mkdtemp(join(root, '.planted/dist-'))
  await cp(dist, copy, { recursive: true, filter: (path) => !path.endsWith('.d.ts') })
  for (const [file, text] of texts) await writeFile(join(copy, file), text)
  return copy
}

function outputOf(args: readonly string[], limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL' })
    let [said, complained] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
    child.on('error', reject)
    child.on('close', (status, signal) => {
      if (status === 0) resolve(said)
      else reject(new Error(`The hunt ended with ${status ?? signal}. ${complained.slice(-2_000)}`))
    })
  })
}
