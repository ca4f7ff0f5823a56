import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { ServerError, type EngineOptions, type Pulled, type SyncEngine, type Transport } from '../../src/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { sqlOn } from '../support/sql.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

async function filled(count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const operations = Array.from({ length: Math.min(100, count - from) }, (_, at) => ({
      method: 'POST',
      path: '/note',
      headers: { 'Idempotency-Key': `"made-${from + at}"`, 'Content-Type': 'application/json' },
      body: { id: `n${from + at}` },
    }))
    await elsewhere(world, 'POST', '/batch', { operations })
  }
}

async function pulled(transport: Partial<Transport> = {}, options: Partial<EngineOptions> = {}): Promise<SyncEngine> {
  const engine = await world.started({ transport: { ...httpTransport({ baseURL: world.url }), ...transport }, ...options })
  await eventOf(engine, 'lock:acquired')
  await engine.synchronize()
  return engine
}

const sql = (text: string): Promise<void> => sqlOn(world.path, text)

/** Pages as the server has them, but for what `change` makes of them. */
function paging(change: (page: Extract<Pulled, { type: 'page' }>) => Pulled): Pick<Transport, 'pull'> {
  const real = httpTransport({ baseURL: world.url })
  return {
    async pull(request, context) {
      const page = await real.pull!(request, context)
      return page.type === 'page' ? change(page) : page
    },
  }
}

const ALL_BUT_ONE = `DELETE FROM entities WHERE key <> 'default/note/n7'`

describe('B13 a replica that lacks more than the server lists', () => {
  beforeEach(() => filled(1_100))

  it('B13 is told of as a whole, and pulled anew once its owner repairs it', async () => {
    const engine = await pulled()
    const follower = await world.started()
    await sql(ALL_BUT_ONE)
    const found = await follower.check({ server: true, repair: true })
    expect(found).toMatchObject({ problems: [{ code: 'differs', entity: 'note', repaired: 'none' }], total: 1 })
    expect(found.problems[0]!.message).toContain('by synchronize({ full: true })')
    const repaired = await engine.check({ server: true, repair: true })
    expect(repaired.problems.map(({ message }) => message).join()).toContain('All of it is pulled anew')
    await engine.synchronize()
    expect(await engine.check({ server: true })).toMatchObject({ isSound: true, undecided: [] })
    expect(await engine.view('note').list()).toHaveLength(1_100)
  })

  it('S32 B13 is not judged while nothing can be pulled: it may only lag behind', async () => {
    const engine = await pulled()
    await sql(ALL_BUT_ONE)
    engine.pause('test')
    const result = await engine.check({ server: true, repair: true })
    expect(result).toMatchObject({ total: 0, undecided: ['note: what is new could not be pulled'] })
  })
})

describe('B13 an entity that differs', () => {
  beforeEach(() => filled(3))

  it('B13 is not judged where the server gives sums, and then no list', async () => {
    const real = httpTransport({ baseURL: world.url })
    const engine = await pulled({
      digest: async (request, context) =>
        request.isListed ? { type: 'failed', error: new ServerError('Too much.') } : real.digest!(request, context),
    })
    await sql(`DELETE FROM entities WHERE key = 'default/note/n1'`)
    const result = await engine.check({ server: true, repair: true })
    expect(result).toMatchObject({ total: 0, undecided: ['note: Too much.'] })
  })

  it('S10 B13 is told of in a tab that follows, which leaves the repair to the owner', async () => {
    const engine = await pulled()
    const follower = await world.started()
    await sql(`UPDATE entities SET value = json_set(value, '$.version', '77') WHERE key = 'default/note/n1'`)
    const { problems } = await follower.check({ server: true, repair: true })
    expect(problems).toMatchObject([{ code: 'differs', entityId: 'n1', repaired: 'none' }])
    expect(problems[0]!.message).toMatch(/is version 77, the server has version \d+.*Repair it where the lease is owned\./)
    expect(await engine.check({ server: true, repair: true })).toMatchObject({ mended: 1, isSound: true })
  })

  it('S21 B13 is there no more on the server, and no page has told of it: it goes', async () => {
    const engine = await pulled(paging((page) => ({ ...page, changes: page.changes.filter((change) => !('deleted' in change)) })))
    await elsewhere(world, 'DELETE', '/note/n1')
    const { problems, isSound } = await engine.check({ server: true, repair: true })
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('the server has nothing')])
    expect(isSound).toBe(true)
    expect((await engine.view('note').list()).map(({ id }) => id)).toEqual(['n0', 'n2'])
    expect(await engine.check({ server: true })).toMatchObject({ total: 0, isSound: true })
  })

  it('B13 has no version here, where that was lost: it has the server’s again', async () => {
    const engine = await pulled()
    await sql(`UPDATE entities SET value = json_remove(value, '$.version') WHERE key = 'default/note/n1'`)
    const { problems } = await engine.check({ server: true, repair: true })
    expect(problems).toMatchObject([{ entityId: 'n1', repaired: 'mended' }])
    expect(problems[0]!.message).toContain('is version unknown')
    expect(await engine.check({ server: true })).toMatchObject({ total: 0 })
  })

  it('B16 B13 is none of those that a page could not bring, of which that was told', async () => {
    const error = new ServerError('nobody can read it', { code: 'unusable-change' })
    const engine = await pulled(
      paging((page) => ({
        ...page,
        changes: page.changes.filter(({ id }) => id !== 'n1'),
        unusable: page.changes.flatMap(({ id }) => (id === 'n1' ? [{ id, error }] : [])),
      })),
    )
    expect(await engine.view('note').list()).toHaveLength(2)
    expect(await engine.check({ server: true, repair: true })).toMatchObject({ total: 0, undecided: [] })
  })
})
