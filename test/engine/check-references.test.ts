import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { ServerError, type EngineOptions, type EnqueueInput, type Fetched, type SyncEngine } from '../../src/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
/** Answers in place of the server, or comes before it does. */
let onFetch: (entity: string, id: string) => Promise<Fetched | undefined>
beforeEach(async () => {
  world = await createWorld()
  onFetch = async () => undefined
})
afterEach(() => world.close())

const note = (id: string): EnqueueInput => ({ type: 'create', entity: 'note', id, payload: {} })
const comment = (id: string, noteId: unknown): EnqueueInput => ({ type: 'create', entity: 'comment', id, payload: { noteId } })

async function owning(options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  const real = httpTransport({ baseURL: world.url })
  const engine = await world.started({
    entities: { note: {}, comment: { references: { noteId: 'note' } } },
    transport: {
      ...real,
      fetch: async (entity, id, context) => (await onFetch(entity, id)) ?? real.fetch(entity, id, context),
    },
    ...options,
  })
  await eventOf(engine, 'lock:acquired')
  return engine
}

const UNDECIDED = 'comment/c1 names note/n1, which is not here: check with server: true'

describe('B13 a reference to what is not here', () => {
  it('E2 B13 is none to what waits to be sent, however many name it', async () => {
    const engine = await owning()
    engine.pause('test')
    await engine.enqueueAll([note('n1'), comment('c1', 'n1'), comment('c2', 'n1')])
    expect(await engine.check()).toMatchObject({ total: 0, undecided: [], checked: { references: 1 } })
  })

  it('B13 is wrong also while what names it waits to be sent', async () => {
    const engine = await owning()
    engine.pause('test')
    await engine.enqueue(comment('c1', 'n1'))
    const { problems, undecided } = await engine.check({ server: true })
    expect(problems).toMatchObject([{ code: 'reference', entity: 'comment', entityId: 'c1' }])
    expect(problems[0]!.message).toContain('comment/c1 names note/n1, which does not exist.')
    expect(undecided.join()).not.toContain('comment/c1')
  })

  async function settledComment(): Promise<SyncEngine> {
    const engine = await owning()
    await engine.enqueue(comment('c1', 'n1')).then(({ settled }) => settled)
    return engine
  }

  const failed: Fetched = { type: 'failed', error: new ServerError('Down.') }

  it.each(['note', 'comment'])('B13 is not judged where the server does not tell of the %s', async (silent) => {
    const engine = await settledComment()
    onFetch = async (entity) => (entity === silent ? failed : undefined)
    const { problems, undecided } = await engine.check({ server: true })
    expect(problems).toEqual([])
    expect(undecided).toContain(UNDECIDED)
  })

  it.each<[string, (engine: SyncEngine) => Promise<unknown>]>([
    ['what it names is made here', (engine) => engine.enqueue(note('n1'))],
    ['it names another', (engine) => engine.enqueue({ type: 'update', entity: 'comment', id: 'c1', payload: { noteId: null } })],
    ['it is deleted', (engine) => engine.enqueue({ type: 'delete', entity: 'comment', id: 'c1' })],
  ])('S32 B13 is none if meanwhile %s', async (_, meanwhile) => {
    const engine = await settledComment()
    onFetch = async (entity) => {
      if (entity !== 'note') return undefined
      await meanwhile(engine)
      return { type: 'absent' }
    }
    engine.pause('test')
    const { problems, undecided } = await engine.check({ server: true })
    expect([problems, undecided.filter((one) => one === UNDECIDED)]).toEqual([[], []])
  })

  it.each<[string, () => Promise<unknown>]>([
    ['is gone', () => elsewhere(world, 'DELETE', '/comment/c1')],
    ['names another by now', () => elsewhere(world, 'PATCH', '/comment/c1', { noteId: 'n2' })],
  ])('S32 B13 is none where what names it %s on the server, of which nobody has told yet', async (_, change) => {
    const engine = await settledComment()
    await change()
    expect((await engine.check({ server: true })).problems).toEqual([])
  })

  it('L9 B13 is looked at of the first hundred thousand that are named, and that there are more is told', async () => {
    const noteId = Array.from({ length: 100_001 }, (_, n) => `n${n}`)
    for (const [id, ids] of Object.entries({ c1: noteId.slice(0, 50_000), c2: noteId.slice(50_000) }))
      await elsewhere(world, 'POST', '/comment', { id, noteId: ids })
    const engine = await owning()
    await engine.synchronize()
    const { checked, undecided } = await engine.check()
    expect(checked.references).toBe(100_000)
    expect(undecided).toContain('references: only the first 100000 that are named were looked at')
  })
})
