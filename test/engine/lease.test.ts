import { afterEach, describe, expect, it } from 'vitest'
import { createActor, fromCallback, type AnyEventObject } from 'xstate'
import { memoryDisk, memoryStorage } from '../../src/adapters/memory.ts'
import { StorageUnavailableError } from '../../src/core/errors.ts'
import type { Connectivity, Storage } from '../../src/core/ports.ts'
import { LEASE, META, STORE_SCHEMA } from '../../src/core/schema.ts'
import { leaseLock } from '../../src/engine/lease.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { createVirtualClock, settle } from '../support/virtual-clock.ts'
import { createWorld, type World } from '../support/world.ts'

const options = { heartbeatMs: 100, staleMs: 1_000, pollMs: 50 }

/** The lock over a store whose next commit does what the test says. */
async function makeLock() {
  const disk = memoryDisk()
  const storage = memoryStorage({ disk })
  await storage.open(STORE_SCHEMA)
  let next: ((commit: () => Promise<readonly number[]>) => Promise<readonly number[]>) | undefined
  const commit: Storage['commit'] = (writes, given) => {
    const interfere = next
    next = undefined
    const work = () => storage.commit(writes, given)
    return interfere === undefined ? work() : interfere(work)
  }
  const clock = createVirtualClock()
  const told: string[] = []
  const parent = createActor(fromCallback<AnyEventObject>(({ receive }) => receive(({ type }) => void told.push(type))))
  parent.start()
  const { logic } = leaseLock(
    { ...storage, commit },
    { clock, random: () => 0 },
    {
      owner: 'me',
      user: 'u',
      versions: {},
      holder: () => undefined,
      read: (key) => storage.get(META, key),
    },
  )
  const actor = createActor(logic, { input: { ...options, parent }, clock: machineClock(clock) })
  return {
    actor,
    clock,
    told,
    interfere: (how: typeof next) => void (next = how),
    lease: async () => (await storage.get(META, LEASE))?.value,
  }
}

/** A commit that is done only once the test lets it. */
function delayed() {
  let proceed = (): void => {}
  const proceeding = new Promise<void>((resolve) => (proceed = resolve))
  return {
    proceed: () => proceed(),
    interfere: async (commit: () => Promise<readonly number[]>) => {
      await proceeding
      return commit()
    },
  }
}

describe('the lease in a store', () => {
  it.each(['claim', 'beat'])('L2 a release while a %s is under way is not undone by it', async (write) => {
    const lock = await makeLock()
    const slow = delayed()
    if (write === 'claim') lock.interfere(slow.interfere)
    lock.actor.start()
    await lock.clock.advance(0)
    if (write === 'beat') lock.interfere(slow.interfere)
    await lock.clock.advance(options.heartbeatMs)
    lock.actor.send({ type: 'RELEASE' })
    await settle()
    slow.proceed()
    await lock.clock.advance(0)
    expect(lock.told.at(-1)).toBe('LOCK.RELEASED')
    expect(await lock.lease()).toMatchObject({ owner: '', epoch: 1 })
  })

  it.each(['claim', 'beat'])(
    'L2 a %s that was done although its answer was lost does not make it wait for itself',
    async (write) => {
      const lock = await makeLock()
      const lose = async (commit: () => Promise<readonly number[]>): Promise<never> => {
        await commit()
        throw new StorageUnavailableError('The answer was lost.')
      }
      if (write === 'claim') lock.interfere(lose)
      lock.actor.start()
      await lock.clock.advance(0)
      if (write === 'beat') lock.interfere(lose)
      await lock.clock.advance(2 * options.heartbeatMs)
      expect(lock.told.filter((type) => type === 'LOCK.FAILED')).toHaveLength(1)
      expect(lock.told.at(-1)).toBe('LOCK.ACQUIRED')
      expect(await lock.lease()).toMatchObject({ owner: 'me', epoch: 2 })
    },
  )
})

describe('the network at the start', () => {
  let world: World | undefined
  afterEach(() => world?.close())

  it('L5 an engine that was made while offline is online when it starts online', async () => {
    world = await createWorld({ store: 'memory' })
    let online = false
    const connectivity: Connectivity = { online: () => online, watch: () => () => {} }
    const engine = world.engine({ ports: { connectivity } })
    online = true
    await engine.start()
    const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
    expect(await operation.settled).toEqual({ status: 'done' })
  })
})
