import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { LEASE, META, STORE_SCHEMA, type LeaseRow } from '../../src/core/schema.ts'
import { createServer, type SynchartServer } from '../../src/server/index.ts'
import { firstOf, startProcess, type EngineProcess, type Told } from './processes.ts'

/** Quick to find a frozen owner stale. */
const impatient = { heartbeatMs: 100, staleMs: 1_000 }
/** Never finds an owner stale while a test lasts: a takeover comes by presence or release only. */
const patient = { heartbeatMs: 10_000, staleMs: 600_000 }

let folder: string
let server: SynchartServer
let processes: EngineProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'synchart-locks-'))
  server = await createServer()
  const { url } = await server.listen()
  processes = await Promise.all([1, 2, 3].map(() => startProcess(url)))
}, 60_000)
afterEach(async () => {
  const unhandled = processes.flatMap(({ told }) => told.filter(({ type }) => type === 'unhandled' || type === 'engine:error'))
  await Promise.all(processes.map((each) => each.end()))
  await server.close()
  await rm(folder, { recursive: true, force: true })
  expect(unhandled).toEqual([])
})

const acquired = ({ type }: Told): boolean => type === 'lock:acquired'

function others(than: EngineProcess): EngineProcess[] {
  return processes.filter((each) => each !== than)
}

/** Starts one engine that owns, and then two that follow. */
async function startOwner(path: string, lock: object): Promise<EngineProcess> {
  const [owner, ...followers] = processes as [EngineProcess, ...EngineProcess[]]
  await owner.call('start', { path, lock })
  await owner.until(acquired)
  await Promise.all(followers.map((each) => each.call('start', { path, lock })))
  return owner
}

/** Each process enqueues; whoever owns sends; each hears of its own. */
async function enqueueEverywhere(path: string, round: string): Promise<void> {
  await Promise.all(
    processes.map(async (each, i) => {
      const ids = [0, 1, 2, 3].map((n) => `${round}-${i}-${n}`)
      await each.call('enqueue', { path, ids })
      for (const id of ids)
        expect((await each.until(({ type, entityId }) => type === 'settled' && entityId === id)).status).toBe('done')
    }),
  )
}

/** Who was told, over all processes, that it owns an epoch. */
function ownersByEpoch(path: string): Map<number, number[]> {
  const owners = new Map<number, number[]>()
  for (const { pid, told } of processes) {
    for (const { epoch = 0 } of told.filter((each) => acquired(each) && each.path === path))
      owners.set(epoch, [...(owners.get(epoch) ?? []), pid])
  }
  return owners
}

/** In which it owned first. */
function epochOf({ told }: EngineProcess): number {
  return told.find(acquired)?.epoch ?? NaN
}

function expectOneOwnerAnEpoch(path: string): void {
  expect([...ownersByEpoch(path)].filter(([, owners]) => owners.length !== 1)).toEqual([])
}

function effectsOf(id: string): number {
  return server.ledger().filter((entry) => entry.id === id).length
}

async function leaseIn(path: string): Promise<LeaseRow> {
  const storage = sqliteStorage({ path })
  await storage.open(STORE_SCHEMA)
  const entry = await storage.get(META, LEASE)
  await storage.close()
  return entry?.value as LeaseRow
}

describe('three processes on one SQLite file', () => {
  it('L2 S10 S11 a stopped owner is taken over; when it goes on, it is fenced, changes nothing more, and loses nothing', async () => {
    const path = join(folder, 'frozen.db')
    const owner = await startOwner(path, impatient)
    await owner.call('enqueue', { path, ids: ['held'] })
    await owner.until(({ type }) => type === 'departing')
    owner.signal('SIGSTOP')
    const next = await firstOf(others(owner), acquired)
    // What the stopped owner was about to send is found in doubt, and sent with the same key.
    await next.until(({ type }) => type === 'departing')
    await next.call('go')
    await next.until(({ type, entityId }) => type === 'sync:completed' && entityId === 'held')
    expect(effectsOf('held')).toBe(1)

    const late = owner.call('go')
    const writes = owner.call('writeAs', { path, epoch: epochOf(owner), times: 20 })
    owner.signal('SIGCONT')
    await late
    await owner.until(({ type }) => type === 'late-answer')
    expect(effectsOf('held')).toBe(1)
    expect(await writes).toEqual(Array.from({ length: 20 }, () => 'storage-fenced'))
    await owner.until(({ type }) => type === 'lock:lost')
    expect((await owner.until(({ type, entityId }) => type === 'settled' && entityId === 'held')).status).toBe('done')
    expect(owner.told.filter(({ type }) => type === 'sync:completed')).toEqual([])

    await enqueueEverywhere(path, 'after')
    expect(await owner.call('metrics', { path })).toMatchObject({ lock: { owner: false } })
    expectOneOwnerAnEpoch(path)
  }, 60_000)

  it('L2 an owner that is killed is succeeded at once, however long its lease would still be good', async () => {
    const path = join(folder, 'killed.db')
    const owner = await startOwner(path, patient)
    await owner.call('enqueue', { path, ids: ['held'] })
    await owner.until(({ type }) => type === 'departing')
    await owner.end()
    const next = await firstOf(others(owner), acquired)
    expect(next.told.find(acquired)).toMatchObject({ epoch: epochOf(owner) + 1, takeover: true })
    await next.until(({ type }) => type === 'departing')
    await next.call('go')
    await next.until(({ type, entityId }) => type === 'sync:completed' && entityId === 'held')
    expect(effectsOf('held')).toBe(1)
    expectOneOwnerAnEpoch(path)
  }, 60_000)

  it('A1 L2 an owner that stops hands over at once, from one to the next', async () => {
    const path = join(folder, 'handed-over.db')
    const owner = await startOwner(path, patient)
    await owner.call('stop', { path })
    const second = await firstOf(others(owner), acquired)
    expect(second.told.find(acquired)).toMatchObject({ epoch: epochOf(owner) + 1, takeover: false })
    await second.call('stop', { path })
    const third = others(owner).find((each) => each !== second)!
    await third.until(acquired)
    await third.call('stop', { path })
    expect(await leaseIn(path)).toMatchObject({ owner: '', epoch: epochOf(owner) + 2 })
  }, 60_000)

  it('A8 what a follower enqueues is neither refused nor lost: the owner sends it, and the follower hears of it', async () => {
    const path = join(folder, 'followers.db')
    const owner = await startOwner(path, patient)
    for (const round of ['a', 'b', 'c']) await enqueueEverywhere(path, round)
    expect(server.ledger()).toHaveLength(36)
    expect(owner.told.filter(({ type }) => type === 'sync:completed')).toHaveLength(36)
    for (const follower of others(owner)) {
      expect(follower.told.some(({ type }) => type === 'sync:completed' || type === 'lock:acquired')).toBe(false)
    }
  }, 60_000)

  it('A1 S10 in 25 rounds of simultaneous starts and stops, no epoch ever has two owners', async () => {
    for (let round = 0; round < 25; round++) {
      const path = join(folder, `round-${round}.db`)
      const at = Date.now() + 20
      await Promise.all(processes.map((each) => each.call('start', { path, lock: patient, at })))
      await enqueueEverywhere(path, `r${round}`)
      for (let left = processes; left.length > 0;) {
        const owner = await firstOf(left, (told) => acquired(told) && told.path === path)
        await owner.call('stop', { path })
        left = left.filter((each) => each !== owner)
      }
      expectOneOwnerAnEpoch(path)
      const epochs = [...ownersByEpoch(path).keys()].toSorted((a, b) => a - b)
      expect(epochs).toEqual([0, 1, 2].map((further) => (epochs[0] ?? NaN) + further))
    }
    expect(server.ledger()).toHaveLength(25 * 12)
  }, 120_000)
})
