import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { arrivedAt, doubledIn, finish, killAgainAndAgain, ledgerOf, outOfOrderIn, startWorker, type Store } from './support.ts'

const KILLS_APART = 70
const KILLS_TOGETHER = 35

async function storesIn(names: readonly string[]): Promise<Store[]> {
  const folder = await mkdtemp(join(tmpdir(), 'synchart-crash-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return names.map((name) => ({ name, path: join(folder, `${name}.db`), acknowledged: new Set<string>() }))
}

async function faultyServer(): Promise<string> {
  const server = startWorker('server', '0.1', String(Math.floor(Math.random() * 2 ** 32)))
  await server.until((line) => line.startsWith('http'))
  return server.lines[0]!
}

it('S1 S4 S9 of 210 engines killed at any instant, alone or beside another one on the store, none loses, doubles or reorders an operation', async () => {
  const url = await faultyServer()
  const [one, two, shared] = (await storesIn(['one', 'two', 'shared'])) as [Store, Store, Store]
  await Promise.all([one, two].map((store) => killAgainAndAgain(store, url, 'a', KILLS_APART)))
  await Promise.all(['a', 'b'].map((chain) => killAgainAndAgain(shared, url, chain, KILLS_TOGETHER)))

  const stores = [one, two, shared]
  const troubled: string[] = []
  for (const store of stores) troubled.push(...(await finish(store, url)))
  expect(troubled, 'dead letters').toEqual([])

  const arrived = await arrivedAt(url)
  for (const { acknowledged } of stores) {
    expect(acknowledged.size).toBeGreaterThan(100)
    expect(
      [...acknowledged].filter((key) => !arrived.has(key)),
      'acknowledged and lost',
    ).toEqual([])
  }
  const effects = await ledgerOf(url)
  expect(doubledIn(effects)).toEqual([])
  expect(outOfOrderIn(effects)).toEqual([])
}, 400_000)
