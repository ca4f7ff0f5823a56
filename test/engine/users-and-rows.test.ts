import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const note = (id: string, payload: object = {}) => ({ type: 'create', entity: 'note', id, payload })

describe('two users on one store', () => {
  it('S25 sends only what belongs to the user of this engine, and the rest when that user is back', async () => {
    const anna = await world.started({ user: 'anna' })
    anna.pause('offline')
    const hers = await anna.enqueue(note('hers'))
    await anna.stop()
    const bert = await world.started({ user: 'bert' })
    const his = await bert.enqueue(note('his'))
    expect(await his.settled).toEqual({ status: 'done' })
    await bert.flush()
    expect(Object.keys(world.notes())).toEqual(['his'])
    expect(await bert.operations.list()).toEqual([])
    await bert.stop()
    const again = await world.started({ user: 'anna' })
    expect(await again.operations.handle(hers.id).settled).toEqual({ status: 'done' })
    expect(Object.keys(world.notes()).toSorted()).toEqual(['hers', 'his'])
  })
})

describe('a row that can not be read', () => {
  it('S28 blocks its own lane only, is told of, and frees the lane when it is discarded', async () => {
    const first = await world.started({ coalesce: false })
    first.pause('offline')
    await first.enqueue(note('damaged'))
    const behind = await first.enqueue({ type: 'update', entity: 'note', id: 'damaged', payload: { n: 1 } })
    const beside = await first.enqueue(note('sound'))
    await first.stop()
    damage(world.path, 1)

    const engine = await world.started({ coalesce: false })
    expect(await engine.operations.handle(beside.id).settled).toEqual({ status: 'done' })
    expect(await eventOf(engine, 'sync:quarantined')).toMatchObject({ sequence: 1, error: { code: 'storage-corrupt' } })
    expect(await behind.status().catch(() => 'stopped')).toBe('stopped')
    expect((await engine.explain(behind.id)).waitingFor.join()).toContain('#1')
    expect(Object.keys(world.notes())).toEqual(['sound'])

    await engine.operations.discard('#1')
    expect((await engine.operations.handle(behind.id).settled).status).toBe('rejected')
    await expect(engine.operations.discard('#1')).rejects.toMatchObject({ code: 'not-corrupt' })
  })
})

function damage(path: string, seq: number): void {
  const database = new Database(path)
  database.prepare('UPDATE operations SET value = substr(value, 1, 20) WHERE seq = ?').run(seq)
  database.close()
}

describe('explain', () => {
  it('F8 tells of each kind of waiting what it is for', async () => {
    const engine = await world.started({ coalesce: false })
    engine.pause('maintenance')
    const parent = await engine.enqueue(note('a'))
    const next = await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { n: 1 } })
    const child = await engine.enqueue({ ...note('b'), dependsOn: [parent.id] })
    const waits = async (id?: string) => (await engine.explain(id)).waitingFor.join(' | ')
    expect(await waits()).toContain("resume('maintenance')")
    expect(await waits(next.id)).toContain(`operation ${parent.id}`)
    expect(await waits(child.id)).toContain('depends')
    engine.resume('maintenance')
    await child.settled
    expect((await engine.explain(parent.id)).summary).toBe('It is done.')
    await expect(engine.explain('nobody')).rejects.toMatchObject({ code: 'not-found' })
    const follower = await world.started()
    expect((await follower.explain()).waitingFor.join()).toContain('the owner')
    expect((await engine.explain()).state.slice(0, 2)).toEqual(['running', 'owning'])
  })
})
