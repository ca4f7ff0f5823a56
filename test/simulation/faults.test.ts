import { describe, expect, it } from 'vitest'
import type { FaultKind } from '../../src/testing/faults/kinds.ts'
import { simulate } from '../support/built-simulator.mjs'
import { forManySeeds } from '../support/for-many-seeds.ts'

forManySeeds()

const SEEDS = 120
const RUNS = 8

/** What a fault does, as the trace tells of it. */
const consequences: readonly (readonly [what: string, kind: FaultKind, trace: RegExp])[] = [
  [
    'a commit that its process left half made stands as a whole',
    'torn-write',
    /FAULT torn-write at (\S+)\n\d+ \1 writes operation .*\n\d+ \1 killed/,
  ],
  [
    'a commit that failed half-way has written nothing',
    'torn-write',
    /FAULT torn-write at (\S+)\n(?:.*\n){0,40}?\d+ \1 writes nothing: storage-unavailable/,
  ],
  ['an older build may not open the store', 'schema-versions', /FAULT schema-versions[^]*? start : storage-newer/],
  ['an older build that is open may not write it', 'schema-versions', /FAULT schema-versions[^]*?writes nothing: storage-newer/],
  [
    'what the server takes no longer is rejected, and what is good goes on',
    'schema-change',
    /FAULT schema-change[^]*?the server answers request \d+ with 4(?:00|22)\n[^]*?rollingBack -> rejected[^]*?sending -> done/,
  ],
  [
    'a line that has gone silent is let go of, and another one opened',
    'line-dead',
    /(\S+) has line (\d+) silent\n[^]*?\1 has line \2 left\n[^]*?\1 has line \d+ opened/,
  ],
  ['a line that the server closes is opened again', 'line-closed', /FAULT line-closed[^]*?has line \d+ opened/],
  ['a hint comes twice', 'push-doubled', /hears on line (\d+) (.*)\n[^]*?hears on line \1 \2\n/],
  ['the breaker opens and lets probes through', 'outage', /FAULT outage[^]*?breaker:opened[^]*?breaker:halfOpened/],
]

/** Of the seeds from 1 on, so many as were asked for. */
const told: { readonly faults: ReadonlyMap<FaultKind, number>; readonly trace: string }[] = []

async function tracesWith(kind: FaultKind): Promise<readonly string[]> {
  const traces: string[] = []
  for (let seed = 1; seed <= SEEDS && traces.length < RUNS; seed++) {
    const { faults, trace } = told[seed - 1] ?? (await traceOf(seed))
    if (faults.has(kind)) traces.push(trace)
  }
  return traces
}

async function traceOf(seed: number): Promise<(typeof told)[number]> {
  const { faults, lines } = await simulate(seed, { keepsText: true })
  const one = { faults, trace: lines.join('\n') }
  told[seed - 1] = one
  return one
}

describe('a simulated fault', () => {
  it.each(consequences)(
    'D8 matters: %s (%s)',
    async (_, kind, trace) => {
      expect((await tracesWith(kind)).filter((text) => trace.test(text))).not.toEqual([])
    },
    240_000,
  )
})
