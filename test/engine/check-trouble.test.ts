import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LEASE, isRecord } from '../../src/core/schema.ts'
import { StorageQuotaError, StorageUnavailableError, type EnqueueInput, type SyncEngine, type Write } from '../../src/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { faultyStorage, type FaultyStorage } from '../support/faulty-storage.ts'
import { sqlOn } from '../support/sql.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
let storage: FaultyStorage
beforeEach(async () => {
  world = await createWorld()
  storage = faultyStorage(world.storage())
})
afterEach(() => world.close())

const create: EnqueueInput = { type: 'create', entity: 'note', id: 'a', payload: { n: 1 } }
const update: EnqueueInput = { type: 'update', entity: 'note', id: 'a', payload: { n: 2 } }

/** A conflict waits for a person, and an operation behind it. */
async function inConflict(): Promise<SyncEngine> {
  const engine = await world.started({ storage, coalesce: false, entities: { note: { conflict: 'manual' } } })
  await (
    await engine.enqueue(create)
  ).settled
  await engine.synchronize()
  engine.pause('test')
  await engine.enqueueAll([update, { ...update, payload: { n: 3 } }])
  await elsewhere(world, 'PATCH', '/note/a', { n: 4 })
  engine.resume('test')
  await eventOf(engine, 'sync:parked')
  await engine.flush()
  return engine
}

const sql = (text: string): Promise<void> => sqlOn(world.path, text)

const isOfLease = (write: Write): boolean => write.type === 'put' && isRecord(write.value) && write.value['name'] === LEASE

describe('a store that takes no repair', () => {
  it.each([
    ['an operation without its turn', "UPDATE operations SET value = json_remove(value, '$.rank') WHERE status = 'queued'"],
    ['a conflict whose operation is gone', "DELETE FROM operations WHERE status = 'parked'"],
    ['an entity that can not be read', 'UPDATE entities SET value = substr(value, 1, 20)'],
    ['a conflict that can not be read', "UPDATE conflicts SET value = 'garbage'"],
  ])('B13 D5 has the check of %s say so, and is repaired by the next one', async (_, damage) => {
    const engine = await inConflict()
    await sql(damage)
    const full = new StorageQuotaError()
    storage.failCommits((writes) => (writes.every(isOfLease) ? undefined : full))
    await expect(engine.check({ repair: true })).rejects.toBe(full)
    storage.failCommits(undefined)
    await engine.check({ repair: true })
    await engine.synchronize()
    expect(await engine.check()).toMatchObject({ isSound: true })
  })

  it('B13 D5 nor can be read any more while invariants are judged has the check say so', async () => {
    let isJudged = false
    const covered = (): undefined => void (isJudged = true)
    const engine = await world.started({ storage, entities: { note: { invariants: { covered } } } })
    await (
      await engine.enqueue(create)
    ).settled
    const gone = new StorageUnavailableError('The disk is gone.')
    storage.failReads(() => (isJudged ? gone : undefined))
    await expect(engine.check()).rejects.toBe(gone)
    storage.failReads(undefined)
    expect(await engine.check()).toMatchObject({ isSound: true })
  })
})
