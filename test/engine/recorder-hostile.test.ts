import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import type { Digested, Transport } from '../../src/core/ports.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const NOTE = { type: 'create', entity: 'note', id: 'n1', payload: { title: 'canary' } }

/** As a proxy or a getter of the application may. */
const illegible = <Target extends object>(target: Target, member: string): Target =>
  Object.defineProperty(target, member, {
    get() {
      throw new Error('Not to be read.')
    },
  })

describe('the flight recorder, among what the application does', () => {
  it('F3 B17 tells of an event what it was, whatever a handler makes of it afterwards', async () => {
    const engine = world.engine({ recorder: {} })
    engine.on('*', (event) => {
      for (const name of ['type', 'entity', 'reason', 'part']) Object.assign(event, { [name]: 'canary' })
      if ('operation' in event) Object.assign(event.operation, { id: 'canary', status: 'canary' })
    })
    await engine.start()
    const made = await engine.enqueue(NOTE)
    await made.settled
    const text = engine.recorder.export()
    expect(text).not.toContain('canary')
    expect(text).toContain('"event":"sync:completed"')
    expect(text).toContain('"event":"engine:started"')
  })

  it('F3 what a transport refuses to tell is recorded as unreadable, and ends no process', async () => {
    const plain = httpTransport({ baseURL: world.url })
    const transport: Transport = {
      ...plain,
      send: async () => {
        throw illegible(new Error('No'), 'code')
      },
      digest: async () => illegible<Digested>({ type: 'digests', digests: [] }, 'type'),
    }
    const engine = await world.started({ transport, recorder: {} })
    await eventOf(engine, 'lock:acquired')
    await engine.synchronize()
    await engine.check({ server: true }).catch(() => {})
    await engine.enqueue(NOTE)
    await eventOf(engine, 'sync:retry')
    const lines = engine.recorder
      .export()
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    // An unhandled rejection fails this run, as it ends a process of Node.
    expect(lines).toContainEqual(expect.objectContaining({ call: 'send', ok: false, result: 'unreadable' }))
    expect(lines).toContainEqual(expect.objectContaining({ call: 'digest', ok: true, result: 'unreadable' }))
  })
})
