import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createActor, createMachine, type InspectionEvent } from 'xstate'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { systemClock } from '../../src/adapters/system-clock.ts'
import type { Digested, Transport } from '../../src/core/ports.ts'
import { advance, type TracedActors, type TraceHeader, type TraceLine } from '../../src/core/trace.ts'
import { eventFields, noticeFields } from '../../src/engine/recorder/allowed.ts'
import { createRecorder } from '../../src/engine/recorder/recorder.ts'
import { createSyncEngineLogic, syncEngineOf, SyncError, type SyncEngine } from '../../src/index.ts'
import * as machines from '../../machines/index.ts'
import { allStates, modelOf } from '../../visualizations/generate/model.ts'
import { machinesIn } from '../../visualizations/generate/index.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

function parsed(text: string): { readonly header: TraceHeader; readonly lines: readonly TraceLine[] } {
  const [header, ...lines] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  return { header, lines }
}

function actorsAfter(lines: readonly TraceLine[]): TracedActors {
  const actors: TracedActors = new Map()
  for (const line of lines) advance(actors, line)
  return actors
}

const states = machinesIn(machines).flatMap((machine) => allStates(modelOf(machine)))
const transitions = new Set(states.flatMap((state) => state.transitions.map(({ id }) => id)))

async function write(engine: SyncEngine, count: number, payload: object = { title: 'Hello' }): Promise<void> {
  const operations = await engine.enqueueAll(
    Array.from({ length: count }, (_, i) => ({ type: 'create', entity: 'note', id: `n${i}`, payload })),
  )
  await Promise.all(operations.map(({ settled }) => settled))
}

/** What is live of machines, by the actors' own snapshots. */
function watched(): { readonly inspect: (event: InspectionEvent) => void; values(): readonly string[] } {
  const refs = new Set<InspectionEvent['actorRef']>()
  return {
    inspect: (event) => void refs.add(event.actorRef),
    values: () =>
      [...refs].flatMap((ref) => {
        const snapshot = ref.getSnapshot() as { status: string; value?: unknown }
        return snapshot.status === 'active' && snapshot.value !== undefined ? [JSON.stringify(snapshot.value)] : []
      }),
  }
}

const valuesIn = (actors: TracedActors): readonly string[] =>
  [...actors.values()].flatMap(({ value }) => (value === undefined ? [] : [JSON.stringify(value)]))

describe('the flight recorder', () => {
  it('F1 whoever inspects the engine is told the root of every actor, and a slot is its own', async () => {
    const told: InspectionEvent[] = []
    const engine = await world.started({ recorder: {}, inspect: (event) => void told.push(event) })
    await write(engine, 3)
    const ofSlots = told.filter(({ actorRef }) => 'id' in actorRef && String(actorRef.id).startsWith('slot-'))
    expect(new Set(ofSlots.map(({ type }) => type))).toContain('@xstate.microstep')
    expect(ofSlots.filter(({ rootId, actorRef }) => rootId !== actorRef.sessionId)).toEqual([])
    expect(told.filter(({ rootId }) => rootId === undefined)).toEqual([])
  })

  it('F3 records nothing by default, and says how to: no inspection is set', async () => {
    const engine = await world.started()
    expect(() => engine.recorder.export()).toThrow(SyncError)
    expect(() => engine.recorder.watch(() => {})).toThrow(/recorder: \{ maxBytes \}/)
  })

  it('F3 tells of machines, events, transitions by the ids of the drawings, ports and the engine, in a trace that begins with a header', async () => {
    const engine = await world.started({ recorder: {} })
    await write(engine, 3)
    const { header, lines } = parsed(engine.recorder.export())
    expect(header).toMatchObject({ type: 'header', product: 'synchart', format: 1, dropped: 0 })
    expect(header.machines).toEqual(['breaker', 'connectivity', 'engine', 'lock', 'operation', 'pull'])
    const taken = lines.flatMap((line) => (line.type === 'step' ? line.taken : []))
    expect(taken).toContain('operation.sending:OUTCOME:0')
    expect(taken.filter((id) => !transitions.has(id))).toEqual([])
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'event', event: 'OUTCOME', fields: expect.objectContaining({ outcome: 'applied' }) }),
    )
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'port', port: 'transport', call: 'send', ok: true, result: 'applied' }),
    )
    expect(lines).toContainEqual(expect.objectContaining({ type: 'port', port: 'storage', call: 'commit', ok: true }))
    expect(lines).toContainEqual(expect.objectContaining({ type: 'notice', event: 'sync:completed' }))
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted((a, b) => a - b))
  })

  it('F3 leads at every moment to the states that the actors are in', async () => {
    const live = watched()
    const engine = world.engine({ recorder: {}, inspect: live.inspect })
    const differing: unknown[] = []
    let compared = 0
    const compare = (): void => {
      const [now, recorded] = [live.values(), valuesIn(actorsAfter(parsed(engine.recorder.export()).lines))]
      compared += 1
      if (now.toSorted().join() !== recorded.toSorted().join()) differing.push({ now, recorded })
    }
    // Within an action the actor is not yet where it is going.
    engine.on('*', () => queueMicrotask(compare))
    await engine.start()
    await write(engine, 20)
    engine.pause('test')
    engine.resume('test')
    await engine.stop()
    expect(compared).toBeGreaterThan(60)
    expect(differing).toEqual([])
  })

  it('F3 keeps within its bytes, and what had to go is told as the state that it led to', async () => {
    const live = watched()
    const engine = await world.started({ recorder: { maxBytes: 16_384 }, inspect: live.inspect })
    await write(engine, 100)
    await eventOf(engine, 'drain:completed')
    const text = engine.recorder.export()
    const { header, lines } = parsed(text)
    expect(header.dropped).toBeGreaterThan(500)
    const begins = lines.findIndex(({ type }) => type !== 'actor' && type !== 'state')
    const ring = lines.slice(begins).map((line) => JSON.stringify(line).length + 1)
    expect(ring.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(16_384)
    expect(text.length).toBeLessThan(24_000)
    expect(valuesIn(actorsAfter(lines)).toSorted()).toEqual(live.values().toSorted())
  })

  it('F3 A12 tells of alerts that are raised also where the lines that raised them had to go', async () => {
    const engine = await world.started({ recorder: { maxBytes: 16_384 } })
    const refused = await engine.enqueue({ type: 'update', entity: 'note', id: 'missing', payload: {} })
    const { at } = await eventOf(engine, 'alert:raised')
    await write(engine, 100)
    const { header, lines } = parsed(engine.recorder.export())
    expect(header.dropped).toBeGreaterThan(500)
    const raised = { type: 'notice', at, event: 'alert:raised', fields: { alert: 'dead-letter', operation: refused.id } }
    expect(lines).toContainEqual(raised)
    const watched: TraceLine[] = []
    engine.recorder.watch((line) => void watched.push(line))()
    expect(watched).toContainEqual(raised)
    await engine.stop()
    await engine.start()
    await write(engine, 100, { title: 'again' })
    expect(parsed(engine.recorder.export()).lines).not.toContainEqual(raised)
  })

  it('F3 tells who watches what leads to now, and then every line; one that fails harms nobody', async () => {
    const engine = await world.started({ recorder: {} })
    const lines: TraceLine[] = []
    const stop = engine.recorder.watch((line) => void lines.push(line))
    const stopFailing = engine.recorder.watch(() => {
      throw new Error('No')
    })
    await write(engine, 1)
    stop()
    stopFailing()
    expect(lines).toEqual(parsed(engine.recorder.export()).lines.slice(0, lines.length))
    expect(lines.at(-1)?.type).toBeDefined()
    const { length } = lines
    await write(engine, 1, { title: 'again' })
    expect(lines).toHaveLength(length)
    expect(engine.history()).toContainEqual(expect.objectContaining({ type: 'engine:error', part: 'subscriber' }))
  })

  it('F3 refuses a listener that is none, which would fail at each line', async () => {
    const engine = await world.started({ recorder: {} })
    // @ts-expect-error As of an application without types.
    expect(() => engine.recorder.watch('all')).toThrow(expect.objectContaining({ name: 'ValidationError', path: 'listener' }))
    expect(engine.history().map(({ type }) => type)).not.toContain('engine:error')
  })

  it('F3 tells who watches also of what he himself brings about while he is told what leads to now', async () => {
    const engine = await world.started({ recorder: {} })
    const heard: string[] = []
    const stop = engine.recorder.watch((line) => {
      if (heard.length === 0) engine.pause('busy')
      heard.push(JSON.stringify(line))
    })
    stop()
    const { lines } = parsed(engine.recorder.export())
    expect(heard.some((line) => line.includes('"PAUSE"'))).toBe(true)
    expect(heard).toEqual(lines.map((line) => JSON.stringify(line)))
  })

  it('F3 tells all who watch the same lines in the same order, also of what one of them brings about meanwhile', async () => {
    const engine = await world.started({ recorder: {} })
    const heard: string[][] = [[], [], []]
    const watch = (place: number): (() => void) => engine.recorder.watch((line) => void heard[place]?.push(JSON.stringify(line)))
    let steps = 0
    const begun = parsed(engine.recorder.export()).lines.length
    watch(0)
    engine.recorder.watch((line) => {
      if (line.type !== 'step' || ++steps > 5) return
      engine.pause('meanwhile')
      if (steps === 2) watch(2)
      engine.resume('meanwhile')
    })
    watch(1)
    await write(engine, 3)
    const recorded = parsed(engine.recorder.export()).lines.map((line) => JSON.stringify(line))
    expect(steps).toBeGreaterThan(5)
    expect(recorded.length).toBeGreaterThan(begun + 10)
    for (const lines of heard) expect(lines).toEqual(recorded)
  })

  it('F3 a function that inspects and throws harms neither the engine nor what is recorded', async () => {
    const inspect = (): void => {
      throw new Error('No')
    }
    for (const recorder of [{}, undefined]) {
      const engine = await world.started({ recorder, inspect })
      await write(engine, 2)
      expect(engine.history()).toContainEqual(expect.objectContaining({ type: 'engine:error', part: 'subscriber' }))
      await engine.stop()
    }
  })

  it('F3 keeps within its bytes, and can be read again, whatever a port answers', async () => {
    const code = '\u0001'.repeat(20_000)
    const plain = httpTransport({ baseURL: world.url })
    const transport: Transport = {
      ...plain,
      send: async () => {
        throw Object.assign(new Error('No'), { code })
      },
      // As a transport in plain JavaScript may.
      digest: async () => JSON.parse('null') as Digested,
    }
    const engine = await world.started({ transport, recorder: { maxBytes: 16_384 } })
    await eventOf(engine, 'lock:acquired')
    await engine.synchronize()
    await engine.check({ server: true }).catch(() => {})
    await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} })
    await eventOf(engine, 'sync:retry')
    const ports = parsed(engine.recorder.export()).lines.filter(({ type }) => type === 'port')
    expect(ports).toContainEqual(expect.objectContaining({ call: 'send', ok: false, result: code.slice(0, 64) }))
    expect(ports).toContainEqual(expect.objectContaining({ call: 'digest', ok: true, result: 'object' }))
    expect(engine.recorder.export().length).toBeLessThan(24_000)
  })

  it('F3 makes no line of what can not be read, and goes on', () => {
    const failures: unknown[] = []
    const recorder = createRecorder({}, systemClock, (error) => failures.push(error))
    const root = createActor(createMachine({ id: 'one', initial: 'on', states: { on: {} } }), { inspect: recorder.inspect })
    root.send(
      Object.defineProperty({ type: 'PAUSE' }, 'reason', {
        enumerable: true,
        get() {
          throw new Error('Not to be read.')
        },
      }),
    )
    root.send({ type: 'RESUME', reason: 'test' })
    const events = parsed(recorder.export()).lines.filter(({ type }) => type === 'event')
    expect(events).toMatchObject([{ event: 'RESUME', fields: { reason: 'test' } }])
    expect(failures).toMatchObject([{ message: 'Not to be read.' }])
  })

  it('F3 tells when something happened, though lines are made of many things at once', () => {
    const clock = { ...systemClock, now: () => at }
    let at = 1
    const recorder = createRecorder({}, clock, () => {})
    const root = createActor(createMachine({ id: 'one', initial: 'on', states: { on: {} } }), { inspect: recorder.inspect })
    for (at = 1; at < 100; at++) root.send({ type: `E${at}` })
    const events = parsed(recorder.export()).lines.filter(({ type }) => type === 'event')
    expect(events.map((line) => 'event' in line && `${line.event} at ${line.at}`)).toEqual(
      Array.from({ length: 99 }, (_, i) => `E${i + 1} at ${i + 1}`),
    )
  })

  it('F3 E3 holds nothing that it was told any more, once the engine has stopped', () => {
    const recorder = createRecorder({}, systemClock, () => {})
    const root = createActor(createMachine({ id: 'one', initial: 'on', states: { on: {} } }), { inspect: recorder.inspect })
    let isRead = false
    const reason = { enumerable: true, get: () => (isRead = true) }
    root.send(Object.defineProperty({ type: 'PAUSE' }, 'reason', reason))
    expect(isRead).toBe(false)
    recorder.notice({ type: 'engine:stopped', at: 1 })
    expect(isRead).toBe(true)
  })

  it('F3 has no number that JSON has not', () => {
    const closed = { type: 'SOCKET.CLOSED', code: 1_013, retryAfterMs: Infinity }
    expect(eventFields(closed)).toEqual({ code: 1_013 })
    expect(noticeFields({ type: 'sync:retry', nextAttemptAt: NaN })).toBeUndefined()
  })

  it('F3 B17 holds no payload, no value of the server, no token, no id of an entity and no message of an error', async () => {
    const canary = 'canary-7a31'
    const auth = { token: async () => `${canary}-token` }
    const engine = await world.started({
      recorder: {},
      transport: httpTransport({ baseURL: world.url, auth, headers: { 'X-Canary': canary } }),
    })
    const lines: string[] = []
    engine.recorder.watch((line) => void lines.push(JSON.stringify(line)))
    const made = await engine.enqueue({ type: 'create', entity: 'note', id: `${canary}-id`, payload: { [canary]: canary } })
    await made.settled
    world.intercept(async () => {
      throw new Error(canary)
    })
    await engine.enqueue({
      type: 'update',
      entity: 'note',
      id: `${canary}-id`,
      payload: { title: canary },
      idempotencyKey: canary,
      dedupeKey: canary,
    })
    await eventOf(engine, 'sync:retry')
    expect(lines.length).toBeGreaterThan(50)
    expect([...lines, engine.recorder.export()].filter((text) => text.includes(canary))).toEqual([])
  })

  it('F3 records an engine that is an actor of an application, and of its system nothing else', async () => {
    const other = watched()
    const options = {
      storage: memoryStorage(),
      transport: httpTransport({ baseURL: world.url }),
      entities: { note: {} },
      recorder: {},
    }
    const actor = createActor(createSyncEngineLogic(options), { id: 'of-the-application', inspect: other.inspect }).start()
    const engine = syncEngineOf(actor)
    await vi.waitFor(() => expect(engine.history().some(({ type }) => type === 'engine:started')).toBe(true))
    await write(engine, 1)
    const actors = actorsAfter(parsed(engine.recorder.export()).lines)
    expect([...actors.values()].map(({ machine }) => machine)).toEqual(expect.arrayContaining(['engine', 'lock', 'operation']))
    expect(engine.recorder.export()).not.toContain('of-the-application')
    actor.stop()
    await eventOf(engine, 'engine:stopped')
  })
})
