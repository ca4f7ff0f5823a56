import { firstValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import * as core from '../../src/core.ts'
import { META, STORE_SCHEMA } from '../../src/core/schema.ts'
import { sessionName } from '../../src/core/session.ts'
import { createSyncEngine, type CoreOptions } from '../../src/core.ts'
import { SyncError, type SyncEngine } from '../../src/index.ts'
import { createWorld, type World } from '../support/world.ts'

let world: World
const engines: SyncEngine[] = []

beforeEach(async () => {
  world = await createWorld()
})

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()))
  await world.close()
})

async function lean(options: Partial<CoreOptions> = {}): Promise<SyncEngine> {
  const engine = createSyncEngine({
    storage: sqliteStorage({ path: world.path }),
    transport: httpTransport({ baseURL: world.url }),
    entities: { note: {} },
    ...options,
  })
  engines.push(engine)
  await engine.start()
  return engine
}

const note = { type: 'create', entity: 'note', id: 'n1', payload: { title: 'Hi' } } as const

describe('synchart/core: an engine with those parts alone that it is given', () => {
  it('E11 S1 S4 brings operations to the server without any part', async () => {
    const engine = await lean()
    const created = await engine.enqueue(note)
    expect(await created.settled).toMatchObject({ status: 'done' })
    const changed = await engine.enqueue({ type: 'update', entity: 'note', id: 'n1', payload: { title: 'Ho' } })
    expect(await changed.settled).toMatchObject({ status: 'done' })
    expect(world.notes()).toMatchObject({ n1: { title: 'Ho' } })
  })

  it('E11 tells of a function whose part is not there, and which it is', async () => {
    const engine = await lean()
    const calls: Record<string, () => unknown> = {
      audit: () => engine.audit.list(),
      check: () => engine.check(),
      explain: () => engine.explain(),
      logOut: () => engine.logOut(),
      pull: () => engine.synchronize(),
      realtime: async () => engine.enableRealtime(),
      statistics: () => engine.statistics.get(),
      view: async () => engine.view('note'),
    }
    for (const [part, call] of Object.entries(calls)) {
      const failed = expect(call()).rejects
      await failed.toBeInstanceOf(SyncError)
      await expect(call()).rejects.toMatchObject({ code: 'no-part', message: expect.stringContaining(`parts: { ${part} }`) })
    }
  })

  it('E11 without the server’s changes and a line to it there is nothing to choose, and nothing ever comes', async () => {
    const engine = await lean()
    const noPart = { code: 'no-part', message: expect.stringContaining('parts: { pull }') }
    await expect(engine.scopes.list('note')).rejects.toMatchObject(noPart)
    await expect(engine.scopes.set('note', ['a:1'])).rejects.toMatchObject(noPart)
    await expect(engine.statistics.reset()).rejects.toMatchObject({ code: 'no-part' })
    expect(await firstValueFrom(engine.progress$)).toMatchObject({ phase: 'idle' })
    expect(await firstValueFrom(engine.realtime$)).toMatchObject({ phase: 'off' })
    engine.messages$.subscribe(() => expect.unreachable()).unsubscribe()
    engine.disableRealtime()
    await engine.stop()
    await engine.start()
    expect(await (await engine.enqueue(note)).settled).toEqual({ status: 'done' })
  })

  it('E11 refuses an option whose part is not there, at once', async () => {
    const quiet = { debug() {}, info() {}, warn() {}, error() {} }
    const given = { alerts: {}, audit: {}, logger: quiet, pull: {}, realtime: {}, recorder: {} }
    for (const [option, value] of Object.entries(given))
      await expect(lean({ [option]: value })).rejects.toMatchObject({ code: 'validation', path: option })
  })

  it('E11 C7 B13 has what it is given', async () => {
    const { alerts, audit, check, explain, logger, logOut, pull, realtime, recorder, statistics, view } = core
    const parts = { alerts, audit, check, explain, logger, logOut, pull, realtime, recorder, statistics, view }
    const engine = await lean({ parts, audit: {}, recorder: {} })
    const created = await engine.enqueue(note)
    await created.settled
    expect((await engine.synchronize()).pulled.length).toBeGreaterThan(0)
    expect(await engine.view<{ title: string }>('note').get('n1')).toMatchObject({ value: { title: 'Hi' }, status: 'synced' })
    expect((await engine.audit.list()).entries.map(({ action }) => action)).toContain('ended')
    expect(await engine.check()).toMatchObject({ isSound: true })
    expect((await engine.explain(created.id)).summary).toBe('It is done.')
    expect(engine.recorder.export()).toContain('sync:completed')
    expect((await engine.statistics.get()).enqueued).toBe(1)
    expect(await engine.logOut({ pending: 'wipe' })).toMatchObject({ kept: 0 })
  })

  it('E11 E3 S25 does not start where a log-out has left rows to remove, which it could not', async () => {
    const { logOut } = core
    const first = await lean({ parts: { logOut } })
    await first.enqueue(note)
    const storage = sqliteStorage({ path: world.path })
    await first.stop()
    await storage.open(STORE_SCHEMA)
    await storage.commit([
      { type: 'put', collection: META, value: { name: sessionName('default'), rev: 1, epoch: 1, stage: 'wiping' } },
    ])
    await storage.close()
    await expect(lean()).rejects.toMatchObject({ code: 'no-part' })
    expect((await (await lean({ parts: { logOut } })).operations.list()).length).toBe(0)
  })
})
