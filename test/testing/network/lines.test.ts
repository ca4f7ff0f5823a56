import { describe, expect, it } from 'vitest'
import { createSimulatedNetwork } from '../../../src/testing/index.ts'
import { simulated, type SimulatedWorld } from './world.ts'

const HOUR_MS = 3_600_000
const SOON_MS = 2_000

/** An engine that polls once an hour, and so depends on its line. */
async function lined(): Promise<SimulatedWorld & { titles(): Promise<readonly unknown[]>; isConnected(): boolean }> {
  const world = await simulated({ latencyMs: [20, 80] }, {}, ({ network, server }) => ({
    pull: { everyMs: HOUR_MS },
    realtime: { channel: network.channel(server) },
  }))
  const { engine, time } = world
  let state = ''
  engine.realtime$.subscribe(({ phase }) => (state = phase))
  const isConnected = (): boolean => state === 'connected'
  await time.runUntil(isConnected)
  await time.run(SOON_MS)
  const titles = async (): Promise<readonly unknown[]> =>
    (await time.runUntil(engine.view('note').list())).map(({ value }) => value['title'])
  return { ...world, titles, isConnected }
}

describe('a simulated line', () => {
  it('A7 D8 tells of what another client writes: it is there long before the next poll', async () => {
    const { server, time, titles } = await lined()
    server.put('note', 'a', { title: 'theirs' })
    await time.run(SOON_MS)
    expect(await titles()).toEqual(['theirs'])
  })

  it('A7 D8 is opened anew when the server has ended it, not before the server wants it, and what was missed is there', async () => {
    const { server, network, time, titles, isConnected } = await lined()
    network.closeLines({ code: 1013, retryAfterMs: 30_000 })
    server.put('note', 'a', { title: 'missed' })
    await time.run(29_000)
    expect(isConnected()).toBe(false)
    await time.run(10_000)
    expect(isConnected()).toBe(true)
    expect(await titles()).toEqual(['missed'])
  })

  it('A7 D8 that is dead is found so by its heartbeat', async () => {
    const { server, network, time, titles } = await lined()
    network.silenceLines()
    server.put('note', 'a', { title: 'unheard' })
    await time.run(SOON_MS)
    expect(await titles()).toEqual([])
    await time.run(120_000)
    expect(await titles()).toEqual(['unheard'])
  })

  it('A7 D8 brings nothing while the network is down, nor behind a portal', async () => {
    const { server, network, time, titles } = await lined()
    network.setOnline(false)
    server.put('note', 'a', { title: 'meanwhile' })
    await time.run(SOON_MS)
    expect(await titles()).toEqual([])
    network.setOnline(true)
    await time.run(5_000)
    expect(await titles()).toEqual(['meanwhile'])
    network.closeLines()
    network.setCaptive(true)
    await time.run(60_000)
    server.put('note', 'b', { title: 'behind it' })
    await time.run(60_000)
    expect(await titles()).toEqual(['meanwhile'])
    network.setCaptive(false)
    await time.run(120_000)
    expect(await titles()).toEqual(['meanwhile', 'behind it'])
  })

  it('D8 is of a server in memory, and is ended as a server can', () => {
    const network = createSimulatedNetwork()
    expect(() => network.channel(JSON.parse('{}'))).toThrow(expect.objectContaining({ code: 'validation', path: 'server' }))
    expect(() => network.closeLines(JSON.parse('{"status":1012}'))).toThrow(/status/)
  })
})
