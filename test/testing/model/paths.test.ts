import { describe, expect, it } from 'vitest'
import { createMachine, type SnapshotFrom } from 'xstate'
import { getShortestPaths, getSimplePaths } from 'xstate/graph'
import { breakerMachine } from '../../../machines/breaker.ts'
import { shortestPaths, simplePaths, testModel } from '../../../src/testing/model/index.ts'
import { breakerInput, breakerModel } from '../../machines/models/breaker.ts'

const walk = breakerModel.walks[0]!

/** What XState needs to walk the same way: to it, timers are events like others. */
const traversal = {
  input: breakerInput,
  events: walk.vertices.flatMap(({ edges }) => edges.map(({ event }) => event)) as never[],
  serializeState: ({ value, context }: SnapshotFrom<typeof breakerMachine>) =>
    JSON.stringify([value, context.failuresAt, Math.min(context.probesInFlight, 2)]),
}

function textOf(steps: readonly { readonly event: object }[]): string {
  return steps.map(({ event }) => JSON.stringify(event)).join(' ')
}

/** Independent switches: two to the power of their number states, and far more ways through them. */
const switches = createMachine({
  id: 'switches',
  type: 'parallel',
  states: Object.fromEntries(
    ['A', 'B', 'C', 'D', 'E', 'F'].map((name) => [
      name,
      { initial: 'off', states: { off: { on: { [name]: 'on' } }, on: { on: { [name]: 'off' } } } },
    ]),
  ),
})

describe('the paths of a model', () => {
  it('F1 the shortest are as short as those that XState finds', () => {
    const ours = shortestPaths(walk).map(({ edges }) => edges.length)
    const theirs = getShortestPaths(breakerMachine, traversal).map(({ steps }) => steps.length - 1)
    expect(ours.toSorted((a, b) => a - b)).toEqual(theirs.toSorted((a, b) => a - b))
  })

  it('F1 the simple ones are those that XState finds', () => {
    const ours = [...simplePaths(walk, walk.vertices.length)].map(({ edges }) => textOf(edges))
    const theirs = getSimplePaths(breakerMachine, traversal).map(({ steps }) => textOf(steps.slice(1)))
    expect(ours.length).toBeGreaterThan(walk.vertices.length)
    expect(ours.toSorted()).toEqual(theirs.toSorted())
  })

  it('F1 the simple ones have no more events than they may', () => {
    const lengths = [...simplePaths(walk, 3)].map(({ edges }) => edges.length)
    expect(Math.max(...lengths)).toBe(3)
  })

  it.each([undefined, null, '3', Number.NaN, -1, 1.5])(
    'F1 the simple ones need to know how many events they may have at most, and not %s',
    (most) => {
      expect(() => simplePaths(walk, most as number)).toThrow(
        expect.objectContaining({ name: 'ValidationError', path: 'maxEvents' }),
      )
    },
  )

  it('F1 the simple ones of a parallel machine come one by one, for together they would fill the memory', () => {
    const events = Object.fromEntries(['A', 'B', 'C', 'D', 'E', 'F'].map((type) => [type, [{ type }]]))
    const { walks } = testModel(switches, { inputs: [undefined], events })
    expect(walks[0]!.vertices).toHaveLength(64)
    let count = 0
    for (const { edges } of simplePaths(walks[0]!, 64)) {
      expect(new Set(edges.map(({ to }) => to)).size).toBe(edges.length)
      if (++count === 5_000) break
    }
    expect(count).toBe(5_000)
  })
})
