import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { filter, firstValueFrom } from 'rxjs'
import type { EngineOptions } from '../../src/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { webSocketChannel } from '../../src/adapters/websocket/index.ts'
import { elsewhere } from '../support/other-client.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

function realtime(): NonNullable<EngineOptions['realtime']> {
  return {
    channel: webSocketChannel({ url: `${world.url.replace('http', 'ws')}/realtime` }),
    heartbeatMs: 500,
    retry: { strategy: 'constant', baseMs: 50, capMs: 50, maxAttempts: Infinity },
  }
}

describe('an engine with a realtime channel', () => {
  it('A7 shows what another client writes as soon as the server tells of it', async () => {
    const engine = await world.started({ realtime: realtime() })
    await eventOf(engine, 'realtime:connected')
    const seen = firstValueFrom(
      engine
        .view('note')
        .watch('n1')
        .pipe(filter((note) => note !== undefined)),
    )
    await elsewhere(world, 'POST', '/note', { id: 'n1', title: 'theirs' })
    expect(await seen).toMatchObject({ value: { title: 'theirs' }, status: 'synced' })
    expect(await firstValueFrom(engine.realtime$)).toMatchObject({ phase: 'connected' })
  })

  it('A7 pulls by themselves fall by 90 % while it is connected', async () => {
    const pull = { everyMs: 100 }
    const told = await world.started({ pull, realtime: realtime() })
    await eventOf(told, 'realtime:connected')
    await told.synchronize()
    let [polls, pollsOfTold] = [0, 0]
    told.on('pull:completed', () => void (pollsOfTold += 1))
    const untold = await world.started({ pull, storage: memoryStorage() })
    await new Promise<void>((resolve) => untold.on('pull:completed', () => (++polls === 30 ? resolve() : undefined)))
    expect(pollsOfTold).toBeLessThanOrEqual(polls / 10)
  })

  it('C8 opens it at run time, and B1 says what is missing where there is none', async () => {
    const engine = await world.started({ realtime: realtime() })
    await eventOf(engine, 'realtime:connected')
    engine.disableRealtime()
    expect(await firstValueFrom(engine.realtime$)).toMatchObject({ phase: 'off' })
    const connected = eventOf(engine, 'realtime:connected')
    engine.enableRealtime()
    await connected
    await engine.stop()
    const other = await world.started()
    expect(() => other.enableRealtime()).toThrow(/no realtime channel/)
  })

  it('E1 one engine of a store holds the line, and the next one when that leaves', async () => {
    const owner = await world.started({ realtime: realtime() })
    await eventOf(owner, 'realtime:connected')
    const follower = await world.started({ realtime: realtime() })
    expect(await firstValueFrom(follower.realtime$)).toMatchObject({ phase: 'off' })
    const connected = eventOf(follower, 'realtime:connected')
    await owner.stop()
    await connected
  })

  it('S20 L6 makes up for what it missed while the server was away', async () => {
    const engine = await world.started({ realtime: realtime() })
    await eventOf(engine, 'realtime:connected')
    engine.pause('test')
    await elsewhere(world, 'POST', '/note', { id: 'n1', title: 'missed' })
    engine.disableRealtime()
    engine.resume('test')
    engine.enableRealtime()
    const seen = engine
      .view('note')
      .watch('n1')
      .pipe(filter((note) => note !== undefined))
    expect(await firstValueFrom(seen)).toMatchObject({ value: { title: 'missed' } })
  })
})
