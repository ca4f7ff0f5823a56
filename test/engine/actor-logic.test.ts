import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { assign, createActor, setup, type ActorRefFrom } from 'xstate'
import {
  createSyncEngineLogic,
  StorageUnavailableError,
  syncEngineOf,
  type Storage,
  type SyncEngineLogic,
  type SyncEvent,
} from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { rowsOf } from '../support/rows.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

const logic = (storage: Storage = world.storage()): SyncEngineLogic =>
  createSyncEngineLogic({
    storage,
    transport: httpTransport({ baseURL: world.url }),
    entities: { note: {} },
    lock: { heartbeatMs: 100, staleMs: 1_000, pollMs: 50 },
  })

/** An application's machine that owns an engine and listens to it. */
function application(engine: SyncEngineLogic) {
  return setup({
    types: {
      context: {} as { sync: ActorRefFrom<SyncEngineLogic> },
      events: {} as { type: 'SAVE'; id: string } | { type: 'LEAVE' },
    },
    actors: { engine },
  }).createMachine({
    context: ({ spawn }) => ({ sync: spawn('engine', { id: 'sync' }) }),
    initial: 'editing',
    states: {
      editing: {
        on: {
          SAVE: {
            actions: ({ context, event }) =>
              context.sync.send({ type: 'enqueue', operation: { type: 'create', entity: 'note', id: event.id, payload: {} } }),
          },
          LEAVE: 'left',
        },
      },
      left: { type: 'final' },
    },
  })
}

const heard = (actor: ActorRefFrom<SyncEngineLogic>, type: SyncEvent['type']): Promise<SyncEvent> =>
  new Promise((resolve) => {
    const subscription = actor.on(type, (event) => {
      subscription.unsubscribe()
      resolve(event)
    })
  })

describe('the engine as actor logic', () => {
  it('A8 is spawned by an application’s machine, takes its operations and emits its events', async () => {
    const actor = createActor(application(logic())).start()
    const { sync } = actor.getSnapshot().context
    await heard(sync, 'engine:started')
    const completed = heard(sync, 'sync:completed')
    actor.send({ type: 'SAVE', id: 'a' })
    expect(await completed).toMatchObject({ operation: { entityId: 'a', status: 'done' } })
    expect(Object.keys(world.notes())).toEqual(['a'])
    actor.stop()
    await syncEngineOf(sync).stop()
  })

  it('L5 keeps what it is sent before it has started', async () => {
    const actor = createActor(application(logic())).start()
    actor.send({ type: 'SAVE', id: 'early' })
    await heard(actor.getSnapshot().context.sync, 'sync:completed')
    expect(Object.keys(world.notes())).toEqual(['early'])
    actor.stop()
  })

  it('A8 answers through syncEngineOf, and pauses, resumes and flushes as it is told', async () => {
    const actor = createActor(logic()).start()
    await heard(actor, 'engine:started')
    const engine = syncEngineOf(actor)
    actor.send({ type: 'pause', reason: 'test' })
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect((await engine.flush()).held).toEqual(['test'])
    const drained = heard(actor, 'drain:completed')
    actor.send({ type: 'resume', reason: 'test' })
    actor.send({ type: 'flush' })
    expect(await drained).toMatchObject({ summary: { succeeded: 1 } })
    expect(await operation.settled).toEqual({ status: 'done' })
    actor.stop()
    await engine.stop()
  })

  it('A8 tells of a command that it could not obey', async () => {
    const actor = createActor(logic()).start()
    await heard(actor, 'engine:started')
    const told = heard(actor, 'engine:error')
    actor.send({ type: 'enqueue', operation: { type: 'create', entity: 'unknown', id: 'a', payload: {} } })
    expect(await told).toMatchObject({ part: 'command', error: { code: 'unknown-entity' } })
    actor.stop()
    await syncEngineOf(actor).stop()
  })

  it('A8 refuses a command that it does not know, and resumes nothing', async () => {
    const actor = createActor(logic()).start()
    await heard(actor, 'engine:started')
    const engine = syncEngineOf(actor)
    engine.pause('metered')
    const told = heard(actor, 'engine:error')
    actor.send(JSON.parse('{ "type": "Pause", "reason": "metered" }'))
    expect(await told).toMatchObject({ part: 'command', error: { code: 'validation', path: 'command' } })
    expect(engine.history().filter(({ type }) => type === 'engine:resumed')).toEqual([])
    actor.stop()
    await engine.stop()
  })

  it('A8 L5 obeys where its store could be opened only later', async () => {
    const storage = world.storage()
    let isLeft = true
    const actor = createActor(
      logic({
        ...storage,
        async open(schema) {
          if (!isLeft) return storage.open(schema)
          isLeft = false
          throw new StorageUnavailableError('Not yet.')
        },
      }),
    ).start()
    const told = heard(actor, 'engine:error')
    actor.send({ type: 'enqueue', operation: { type: 'create', entity: 'note', id: 'soon', payload: {} } })
    expect(await told).toMatchObject({ part: 'command', error: { code: 'storage-unavailable' } })
    await heard(actor, 'engine:started')
    const done = heard(actor, 'sync:completed')
    actor.send({ type: 'enqueue', operation: { type: 'create', entity: 'note', id: 'later', payload: {} } })
    expect(await done).toMatchObject({ operation: { entityId: 'later' } })
    actor.stop()
    await syncEngineOf(actor).stop()
  })

  it('L10 stops with its parent, releases the lease and keeps what was not sent', async () => {
    const actor = createActor(application(logic())).start()
    const { sync } = actor.getSnapshot().context
    await heard(sync, 'engine:started')
    const engine = syncEngineOf(sync)
    engine.pause('test')
    const { id } = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    const stopped = new Promise<void>((resolve) => engine.on('engine:stopped', () => resolve()))
    actor.send({ type: 'LEAVE' })
    await stopped
    expect(engine.history().at(-1)).toMatchObject({ type: 'engine:stopped' })
    expect(await rowsOf(world.storage())).toMatchObject([{ id, status: 'queued' }])
    const next = await world.started()
    expect(await next.operations.handle(id).settled).toEqual({ status: 'done' })
  })

  it('A8 can be invoked in a state, and again', async () => {
    const engine = logic()
    const machine = setup({ actors: { engine }, types: { context: {} as { starts: number } } }).createMachine({
      context: { starts: 0 },
      initial: 'out',
      states: {
        out: { on: { IN: 'in' } },
        in: {
          entry: assign({ starts: ({ context }) => context.starts + 1 }),
          invoke: { src: 'engine', id: 'sync' },
          on: { OUT: 'out' },
        },
      },
    })
    const actor = createActor(machine).start()
    for (const id of ['a', 'b']) {
      actor.send({ type: 'IN' })
      const sync = actor.getSnapshot().children['sync']
      if (sync === undefined) throw new Error('The engine is not there.')
      await heard(sync as ActorRefFrom<SyncEngineLogic>, 'engine:started')
      const api = syncEngineOf(sync)
      const operation = await api.enqueue({ type: 'create', entity: 'note', id, payload: {} })
      expect(await operation.settled).toEqual({ status: 'done' })
      actor.send({ type: 'OUT' })
      await api.stop()
    }
    expect(Object.keys(world.notes()).toSorted()).toEqual(['a', 'b'])
  })

  it('A8 says that another actor is none', () => {
    expect(() => syncEngineOf(createActor(application(logic())))).toThrow('is not a started actor of createSyncEngineLogic')
  })
})
