import { describe, expect, it } from 'vitest'
import { simulate } from '../../src/testing/simulate.ts'
import { advance, type TracedActors, type TraceHeader, type TraceLine } from '../../src/core/trace.ts'

describe('the trace of a seed', () => {
  it('F3 S30 changes nothing of the run, and is the same each time', async () => {
    const [plain, first, second] = [
      await simulate(7),
      await simulate(7, { keepsTrace: true }),
      await simulate(7, { keepsTrace: true }),
    ]
    expect([first.hash, second.hash]).toEqual([plain.hash, plain.hash])
    expect(plain.trace).toBe('')
    expect(first.trace === second.trace).toBe(true)
  })

  it('F3 has the machines of every tab, in virtual time, and the faults that they met', async () => {
    const { trace, faults } = await simulate(7, { keepsTrace: true })
    const [header, ...lines] = trace
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TraceHeader | TraceLine) as [TraceHeader, ...TraceLine[]]
    expect(header).toMatchObject({ type: 'header', dropped: 0, machines: expect.arrayContaining(['engine', 'operation']) })
    const actors: TracedActors = new Map()
    const engines = new Set<string | undefined>()
    for (const line of lines) {
      advance(actors, line)
      for (const { engine } of actors.values()) engines.add(engine)
    }
    expect(engines.size).toBe(6)
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted((a, b) => a - b))
    const told = lines.filter((line) => line.type === 'notice' && line.event.startsWith('fault:'))
    expect(told).toHaveLength([...faults.values()].reduce((sum, count) => sum + count, 0))
  })
})
