import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { advanceAlerts, type TracedAlerts } from '../../src/core/trace-alerts.ts'
import { advance, type TracedActors, type TraceLine } from '../../src/core/trace.ts'
import { follow } from '../../src/devtools/follow.ts'
import type { EngineStatus } from '../../src/devtools/wire.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const states = (lines: readonly TraceLine[]): unknown => {
  const actors: TracedActors = new Map()
  for (const line of lines) advance(actors, line)
  return new Map([...actors].map(([actor, { name, value }]) => [actor, [name, value]]))
}

const alertsAfter = (lines: readonly TraceLine[]): readonly string[] => {
  const alerts: TracedAlerts = new Map()
  for (const line of lines) advanceAlerts(alerts, line)
  return [...alerts.values()].map(({ alert }) => alert)
}

describe('who follows an engine and can not take everything', () => {
  it('F2 is told, when there is room again, how many lines were left out, and is where the engine is, though nothing happens any more', async () => {
    const engine = await world.started({ recorder: {} })
    const all: TraceLine[] = []
    const unwatch = engine.recorder.watch((line) => all.push(line))
    const told: TraceLine[] = []
    const reported: number[] = []
    let isFull = false
    const asked: boolean[] = []
    const stop = follow(engine, {
      lines(lines, dropped) {
        told.push(...lines)
        if (dropped > 0) reported.push(dropped)
      },
      status: () => void asked.push(isFull),
      hasRoom: () => !isFull,
    })
    const write = async (id: string): Promise<unknown> =>
      (await engine.enqueue({ type: 'create', entity: 'note', id, payload: {} })).settled
    await write('n1')
    await expect.poll(() => told.length).toBeGreaterThan(0)
    isFull = true
    const before = all.length
    for (const id of ['n2', 'n3', 'n4']) await write(id)
    engine.pause('lunch')
    await engine.stop()
    const leftOut = all.length - before
    isFull = false
    await expect.poll(() => reported.length).toBe(1)
    await expect.poll(() => states(told)).toEqual(states(all))
    const gap = told.find((line) => line.type === 'notice' && line.event === 'inspector:left-out')
    expect(gap).toMatchObject({ fields: { lines: reported[0] } })
    expect(leftOut).toBeGreaterThan(10)
    expect(reported).toEqual([leftOut])
    expect(asked).not.toContain(true)
    stop()
    unwatch()
  })

  it('F2 A12 knows which alerts are raised after what was left out, though these were raised or cleared there', async () => {
    const engine = await world.started({ recorder: {} })
    const told: TraceLine[] = []
    const gaps: number[] = []
    let isFull = true
    const stop = follow(engine, {
      lines(lines, dropped) {
        told.push(...lines)
        gaps.push(dropped)
      },
      status: () => {},
      hasRoom: () => !isFull,
    })
    await engine.enqueue({ type: 'update', entity: 'note', id: 'missing', payload: {} })
    await eventOf(engine, 'alert:raised')
    isFull = false
    await expect.poll(() => alertsAfter(told)).toEqual(['dead-letter'])
    isFull = true
    await engine.stop()
    isFull = false
    await expect.poll(() => gaps.filter((missing) => missing > 0).length).toBe(2)
    expect(alertsAfter(told)).toEqual([])
    stop()
  })
})

describe('who follows an engine', () => {
  it('F2 is told of a large conflict so much that fifty of them are one message of the inspector', async () => {
    const fieldsOf = (text: string) => Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`field${n}`, text.repeat(4_000)]))
    const engine = await world.started({ recorder: {}, entities: { note: { conflict: 'manual' } } })
    const note = await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: fieldsOf('a') })
    await note.settled
    await elsewhere(world, 'PATCH', '/note/n1', fieldsOf('b'))
    await engine.enqueue({ type: 'update', entity: 'note', id: 'n1', payload: fieldsOf('c') })
    const { conflicts } = await new Promise<EngineStatus>((resolve) => {
      const stop = follow(engine, {
        lines() {},
        status(status) {
          if (status.conflicts.length === 0) return
          stop()
          resolve(status)
        },
        hasRoom: () => true,
      })
    })
    expect(50 * JSON.stringify(conflicts).length).toBeLessThan(16 * 1_048_576)
    expect(conflicts[0]?.fields.at(0)?.[0]).toBe('field0')
    expect(conflicts[0]?.fields.at(-1)?.[0]).toBe('… and 10 more')
  })
})
