import { afterEach, describe, expect, it } from 'vitest'
import { acquired, firstOwner, inFrame, inThisPage, inWorker, type Context } from './contexts.ts'
import type { LockGiven, Told } from './messages.ts'

/** Quick to find a frozen owner stale. */
const impatient = { heartbeatMs: 200, staleMs: 1_000 }
/** Never finds an owner stale while a test lasts: a takeover comes by presence or release only. */
const patient = { heartbeatMs: 10_000, staleMs: 600_000 }

let contexts: Context[] = []
afterEach(() => {
  for (const context of contexts) context.end()
  contexts = []
})

async function open(...made: Promise<Context>[]): Promise<Context[]> {
  contexts = await Promise.all(made)
  return contexts
}

const others = (than: Context): Context[] => contexts.filter((context) => context !== than)

async function startOwner(name: string, lock: LockGiven): Promise<Context> {
  const [owner, ...followers] = contexts as [Context, ...Context[]]
  await owner.call({ type: 'start', name, lock })
  await owner.until(acquired(name))
  await Promise.all(followers.map((context) => context.call({ type: 'start', name, lock })))
  return owner
}

function told<T extends Told['type']>(type: T, name: string): Extract<Told, { type: T; name: string }>[] {
  const isIt = (each: Told): each is Extract<Told, { type: T; name: string }> =>
    each.type === type && 'name' in each && each.name === name
  return contexts.flatMap((context) => context.told.filter(isIt))
}

/** Each epoch was given to one context, once. */
function expectOneOwnerAnEpoch(name: string, epochs: number): void {
  const given = told('acquired', name).map(({ epoch }) => epoch)
  const first = Math.min(...given)
  expect(given.toSorted((a, b) => a - b)).toEqual(Array.from({ length: epochs }, (_, i) => first + i))
}

/** All that were enqueued are done, and the server saw one key for each. */
async function enqueueEverywhere(name: string, among: readonly Context[], round: string): Promise<void> {
  const ids = among.map((_, i) => [`${round}-${i}-a`, `${round}-${i}-b`])
  await Promise.all(among.map((context, i) => context.call({ type: 'enqueue', name, ids: ids[i]! })))
  for (const [i, context] of among.entries())
    for (const id of ids[i]!) {
      const settled = await context.until(
        (each): each is Extract<Told, { type: 'settled' }> => each.type === 'settled' && each.name === name && each.id === id,
      )
      expect(settled.status).toBe('done')
    }
  const keys = new Map(told('request', name).map(({ id, key }) => [id, key]))
  expect(ids.flat().filter((id) => !keys.has(id))).toEqual([])
  expect(new Set(keys.values()).size).toBe(keys.size)
}

const uniqueName = (): string => `lease-${crypto.randomUUID()}`

describe('engines in several pages and workers on one IndexedDB', () => {
  it('A1 S10 in 20 rounds of simultaneous starts and stops, no epoch has two owners, and no write of a follower is lost', async () => {
    await open(inThisPage(), inThisPage(), inFrame(), inWorker(), inWorker())
    for (let round = 0; round < 20; round++) {
      const name = uniqueName()
      await Promise.all(contexts.map((context) => context.call({ type: 'start', name, lock: patient })))
      await enqueueEverywhere(name, contexts, `r${round}`)
      for (let left = contexts; left.length > 0;) {
        const owner = await firstOwner(left, name)
        await owner.call({ type: 'stop', name })
        left = left.filter((context) => context !== owner)
      }
      expectOneOwnerAnEpoch(name, contexts.length)
    }
  }, 120_000)

  it.each([
    ['a worker that is terminated', inWorker],
    ['a page that is closed', inFrame],
  ])('L2 %s is succeeded at once, however long its lease would still be good', async (_, make) => {
    await open(make(), inThisPage(), inWorker())
    const name = uniqueName()
    const owner = await startOwner(name, patient)
    await enqueueEverywhere(name, contexts, 'before')
    owner.end()
    await firstOwner(others(owner), name)
    await enqueueEverywhere(name, others(owner), 'after')
    expectOneOwnerAnEpoch(name, 2)
  })

  it('L2 S10 a frozen owner is taken over after staleMs; when it wakes it is fenced, follows, and loses nothing', async () => {
    await open(inWorker(), inThisPage(), inFrame())
    const name = uniqueName()
    const owner = await startOwner(name, impatient)
    const first = owner.told.find(acquired(name))!.epoch
    const url = URL.createObjectURL(new Blob(['frozen']))
    const awake = owner.call({ type: 'freeze', url })
    await owner.until((each): each is Told => each.type === 'frozen')
    const next = await firstOwner(others(owner), name)
    await enqueueEverywhere(name, others(owner), 'frozen')
    const writes = owner.call({ type: 'writeAs', name, epoch: first, times: 20 })
    URL.revokeObjectURL(url)
    await awake
    expect(await writes).toEqual(Array.from({ length: 20 }, () => 'storage-fenced'))
    await owner.until((each): each is Told => each.type === 'lost')
    await enqueueEverywhere(name, contexts, 'after')
    expect(next.told.filter(acquired(name))).toMatchObject([{ epoch: first + 1 }])
    expectOneOwnerAnEpoch(name, 2)
  })
})
