import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Violation } from '../../../src/testing/invariants/invariant.ts'
import { changed, type Bug } from './bug.ts'
import { createWorkers } from './workers/pool.ts'

/** What running seeds against changed code has shown. */
export interface Found {
  readonly caught?: Violation & { readonly seed: number }
  readonly tried: number
  /** Violations of invariants that the bug does not name, and in how many seeds. */
  readonly others: Readonly<Record<string, number>>
}

/** What became of a planted bug. */
export interface Hunt extends Found {
  readonly bug: Bug
  readonly seconds: number
}

/** The hunt itself did not work: the table is stale, or the changed code brought its process down. */
export interface Failed {
  readonly bug: Bug
  readonly error: unknown
}

export interface Hunter {
  /** Plants the bug in a copy of `dist`, and runs these seeds against it, one after the other. A bug that none of them shows has survived. */
  hunt(bug: Bug, seeds: readonly number[]): Promise<Hunt | Failed>
  /** Ends the processes that it used. */
  close(): void
}

export interface HunterOptions {
  /** Of the repository. */
  readonly root: string
  /** How many bugs at a time; the others wait for their turn. Default: as many as there are cores. */
  readonly workers?: number | undefined
}

const LIMIT_MS = 900_000

export function createHunter({ root, workers: count = availableParallelism() }: HunterOptions): Hunter {
  const workers = createWorkers({ root, count, limitMs: LIMIT_MS })

  async function hunted({ name, changes, invariants }: Bug, seeds: readonly number[]): Promise<Found & { seconds: number }> {
    let copy = ''
    try {
      return await workers.run(async () => {
        copy = await planted(root, name, changes)
        return { copy, invariants, seeds }
      })
    } finally {
      if (copy !== '') await rm(copy, { recursive: true, force: true })
    }
  }

  return {
    hunt: (bug, seeds) =>
      hunted(bug, seeds).then(
        (found) => ({ bug, ...found }),
        (error: unknown) => ({ bug, error }),
      ),
    close: workers.close,
  }
}

/** Inside the repository, so that its dependencies are found. @throws StaleBugError */
async function planted(root: string, name: string, changes: Bug['changes']): Promise<string> {
  const dist = join(root, 'dist')
  const texts = new Map<string, string>()
  for (const change of changes) {
    const text = texts.get(change.file) ?? (await readFile(join(dist, change.file), 'utf8'))
    texts.set(change.file, changed(text, change, name))
  }
  await mkdir(join(root, '.planted'), { recursive: true })
  const copy = await mkdtemp(join(root, '.planted/dist-'))
  await cp(dist, copy, { recursive: true, filter: (path) => !path.endsWith('.d.ts') })
  for (const [file, text] of texts) await writeFile(join(copy, file), text)
  return copy
}
