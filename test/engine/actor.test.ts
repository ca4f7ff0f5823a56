import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createActor, sendTo, setup, type AnyActorRef } from 'xstate'
import { createSyncEngineLogic, syncEngineOf, ValidationError, type SyncEvent } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

/** An application's own machine that invokes the engine. */
function application() {
  const sync = createSyncEngineLogic({
    storage: world.storage(),
    transport: httpTransport({ baseURL: world.url }),
    entities: { note: {} },
  })
  const machine = setup({
    actors: { sync },
    types: { events: {} as { type: 'SAVE'; id: string } | { type: 'LOG_OUT' } },
  }).createMachine({
    initial: 'working',
    states: {
      working: {
        invoke: { src: 'sync', id: 'sync' },
        on: {
          SAVE: {
            actions: sendTo('sync', ({ event }) => ({
              type: 'enqueue',
              operation: { type: 'create', entity: 'note', id: event.id, payload: { saved: true } },
            })),
          },
          LOG_OUT: 'out',
        },
      },
      out: {},
    },
  })
  return createActor(machine)
}

function nextEvent(actor: AnyActorRef, type: SyncEvent['type']): Promise<SyncEvent> {
  return new Promise((resolve) => {
    const subscription = actor.on(type, (event: SyncEvent) => {
      subscription.unsubscribe()
      resolve(event)
    })
  })
}

describe('the engine as an actor of an application', () => {
  it('A8 starts with its actor, takes operations as events and emits what becomes of them', async () => {
    const app = application()
    app.start()
    const sync = app.getSnapshot().children['sync']!
    await nextEvent(sync, 'lock:acquired')
    const completed = nextEvent(sync, 'sync:completed')
    app.send({ type: 'SAVE', id: 'a' })
    expect(await completed).toMatchObject({ operation: { entityId: 'a', status: 'done' } })
    expect(world.notes()).toEqual({ a: { id: 'a', saved: true } })
    app.stop()
  })

  it('L5 keeps what it is sent before it has started', async () => {
    const app = application()
    app.start()
    app.send({ type: 'SAVE', id: 'early' })
    await nextEvent(app.getSnapshot().children['sync']!, 'sync:completed')
    expect(Object.keys(world.notes())).toEqual(['early'])
    app.stop()
  })

  it('A8 gives the full API to who holds its actor', async () => {
    const app = application()
    app.start()
    const sync = app.getSnapshot().children['sync']!
    await nextEvent(sync, 'lock:acquired')
    const operation = await syncEngineOf(sync).enqueue({ type: 'create', entity: 'note', id: 'b', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
    expect(() => syncEngineOf(app)).toThrow(ValidationError)
    app.stop()
  })

  it('D5 reports a command that it refuses as an event', async () => {
    const app = application()
    app.start()
    const sync = app.getSnapshot().children['sync']!
    await nextEvent(sync, 'lock:acquired')
    const refused = nextEvent(sync, 'engine:error')
    app.send({ type: 'SAVE', id: '' })
    expect(await refused).toMatchObject({ part: 'command', error: { name: 'ValidationError', path: 'id' } })
    app.stop()
  })

  it('L10 stops with its actor: the lease is free for the next engine at once', async () => {
    const app = application()
    app.start()
    const sync = app.getSnapshot().children['sync']!
    await nextEvent(sync, 'lock:acquired')
    const engine = syncEngineOf(sync)
    app.send({ type: 'LOG_OUT' })
    await new Promise<void>((resolve) => engine.on('engine:stopped', () => resolve()))
    const next = await world.started()
    const operation = await next.enqueue({ type: 'create', entity: 'note', id: 'c', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
  })
})
