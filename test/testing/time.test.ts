import { describe, expect, it } from 'vitest'
import { createActor, setup, waitFor } from 'xstate'
import { createSimulatedTime } from '../../src/testing/index.ts'
import { settle } from '../support/virtual-clock.ts'

const START_MS = Date.UTC(2026, 0, 1)

describe('simulated time', () => {
  it('F6 stands still until it is let pass, and then passes exactly so far', async () => {
    const time = createSimulatedTime()
    const { clock } = time.ports
    clock.schedule(() => {}, 10)
    await settle()
    expect([time.elapsedMs(), clock.now(), clock.monotonic()]).toEqual([0, START_MS, 0])
    await time.run(90_000)
    expect([time.elapsedMs(), clock.now(), clock.monotonic()]).toEqual([90_000, START_MS + 90_000, 90_000])
  })

  it('F6 runs timers when they are due, those of one moment in the order of setting, and lets promises settle in between', async () => {
    const time = createSimulatedTime()
    const { clock } = time.ports
    const seen: string[] = []
    const see = (name: string): void => void seen.push(`${name} at ${clock.monotonic()}`)
    clock.schedule(() => see('last'), 300)
    clock.schedule(() => void Promise.resolve().then(() => see('promise')), 100)
    clock.schedule(() => see('second'), 100)
    clock.schedule(() => clock.schedule(() => see('chained'), 100), 100)
    await time.run(299)
    expect(seen).toEqual(['promise at 100', 'second at 100', 'chained at 200'])
    await time.run(1)
    expect(seen.at(-1)).toBe('last at 300')
  })

  it('F6 runs no timer that was cancelled, be it by another of the same moment', async () => {
    const time = createSimulatedTime()
    const { clock } = time.ports
    const seen: string[] = []
    const first = clock.schedule(() => seen.push('first'), 5)
    clock.schedule(() => cancelThird(), 10)
    const cancelThird = clock.schedule(() => seen.push('third'), 10)
    clock.schedule(() => seen.push('fourth'), 10)
    first()
    first()
    await time.run(20)
    expect(seen).toEqual(['fourth'])
  })

  it('F6 has delays of any length, where a real timer would fire at once', async () => {
    const time = createSimulatedTime()
    let firedAt = 0
    time.ports.clock.schedule(() => (firedAt = time.elapsedMs()), 2 ** 40)
    await time.run(2 ** 31)
    expect(firedAt).toBe(0)
    await time.run(2 ** 40)
    expect(firedAt).toBe(2 ** 40)
  })

  it('F6 lets the wall clock jump, and timers and the monotonic clock not notice', async () => {
    const time = createSimulatedTime()
    const { clock } = time.ports
    let fired = false
    clock.schedule(() => (fired = true), 1_000)
    await time.run(500)
    time.jump(-3_600_000)
    expect([clock.now(), clock.monotonic(), fired]).toEqual([START_MS + 500 - 3_600_000, 500, false])
    await time.run(500)
    expect(fired).toBe(true)
  })

  it('F6 runs until a promise settles, with its value, its error and its moment', async () => {
    const time = createSimulatedTime()
    const { clock } = time.ports
    const later = (settle: (resolve: (value: number) => void, reject: (error: Error) => void) => void) =>
      new Promise<number>((resolve, reject) => void clock.schedule(() => settle(resolve, reject), 700))
    expect(await time.runUntil(later((resolve) => resolve(42)))).toBe(42)
    await expect(time.runUntil(later((_, reject) => reject(new Error('refused'))))).rejects.toThrow('refused')
    expect(time.elapsedMs()).toBe(1_400)
    expect(await time.runUntil(Promise.resolve('at once'))).toBe('at once')
    expect(time.elapsedMs()).toBe(1_400)
  })

  it('F6 runs until a condition holds, and not on', async () => {
    const time = createSimulatedTime()
    let ticks = 0
    const tick = (): void => {
      ticks += 1
      time.ports.clock.schedule(tick, 10)
    }
    tick()
    await time.runUntil(() => ticks === 5)
    expect([ticks, time.elapsedMs()]).toEqual([5, 40])
  })

  it('F6 says so where what it runs for can not come, or not in time', async () => {
    const time = createSimulatedTime()
    const never = new Promise(() => {})
    await expect(time.runUntil(never)).rejects.toMatchObject({
      code: 'not-reached',
      message: expect.stringContaining('nothing is scheduled'),
    })
    time.ports.clock.schedule(() => {}, 10_000)
    await expect(time.runUntil(() => false, { limitMs: 500 })).rejects.toMatchObject({
      code: 'not-reached',
      message: expect.stringMatching(/^The condition \(\) => false .* 500 ms/),
    })
    expect(time.elapsedMs()).toBe(500)
  })

  it('F6 counts whole milliseconds, whatever limit it was given', async () => {
    const time = createSimulatedTime()
    time.ports.clock.schedule(() => {}, 60_000)
    await expect(time.runUntil(() => false, { limitMs: 0.5 })).rejects.toMatchObject({ code: 'not-reached' })
    expect(time.elapsedMs()).toBe(1)
    expect(time.ports.clock.now() % 1).toBe(0)
  })

  it('F6 refuses an asynchronous condition, whose promise would pass for true', async () => {
    const time = createSimulatedTime()
    const condition: () => boolean = Object.assign(async () => false)
    await expect(time.runUntil(condition)).rejects.toMatchObject({
      name: 'ValidationError',
      path: 'goal',
      message: expect.stringContaining('at once'),
    })
    expect(await time.runUntil(Promise.resolve(1))).toBe(1)
  })

  it('F6 stands still while something is held, however long that takes in real time', async () => {
    const time = createSimulatedTime()
    let fired = false
    time.ports.clock.schedule(() => (fired = true), 1)
    let release = (): void => {}
    const real = new Promise<string>((resolve) => (release = () => resolve('read')))
    const held = time.hold(real)
    const passed = time.run(10)
    for (let turns = 0; turns < 100; turns++) await settle()
    expect([fired, time.elapsedMs()]).toEqual([false, 0])
    release()
    expect(await held).toBe('read')
    await passed
    expect([fired, time.elapsedMs()]).toEqual([true, 10])
  })

  it('F6 has reached what needs no time also while something is held that never ends', async () => {
    const time = createSimulatedTime()
    time.hold(new Promise(() => {})).catch(() => {})
    const later = async (): Promise<string> => {
      for (let turns = 0; turns < 100; turns++) await settle()
      return 'there'
    }
    expect(await time.runUntil(later())).toBe('there')
    await expect(time.runUntil(later().then((what) => Promise.reject(new Error(what))))).rejects.toThrow('there')
    expect(time.elapsedMs()).toBe(0)
  })

  it('F6 goes on where what was held has failed', async () => {
    const time = createSimulatedTime()
    const held = time.hold(Promise.reject(new Error('gone')))
    await expect(held).rejects.toThrow('gone')
    await time.run(10)
    expect(time.elapsedMs()).toBe(10)
  })

  it('F6 rejects with what a timer throws, and can be let pass again', async () => {
    const time = createSimulatedTime()
    time.ports.clock.schedule(() => {
      throw new Error('broken timer')
    }, 5)
    await expect(time.run(10)).rejects.toThrow('broken timer')
    await time.run(10)
    expect(time.elapsedMs()).toBe(15)
  })

  it('F6 refuses to pass twice at once, and what is no span of time', async () => {
    const time = createSimulatedTime()
    const passes = time.run(10)
    await expect(time.run(10)).rejects.toMatchObject({ code: 'time-runs' })
    await passes
    await expect(time.run(-1)).rejects.toMatchObject({ code: 'validation', path: 'forMs' })
    await expect(time.run(Number.NaN)).rejects.toMatchObject({ path: 'forMs' })
    expect(() => createSimulatedTime({ seed: 0.5 })).toThrow(/seed/)
  })

  it('F6 draws the same randomness and ids from the same seed, and other ones from another', () => {
    const draw = (seed: number) => {
      const { random, newId } = createSimulatedTime({ seed }).ports
      return [random(), random(), random(), newId(), newId()]
    }
    expect(draw(7)).toEqual(draw(7))
    expect(new Set([...draw(7), ...draw(8)]).size).toBe(10)
    expect(draw(7).every((drawn) => typeof drawn === 'string' || (drawn >= 0 && drawn < 1))).toBe(true)
  })

  it('F6 is the time of XState actors that are given its clock', async () => {
    const lamp = setup({ types: { events: {} as { type: 'PRESS' } } }).createMachine({
      initial: 'off',
      states: { off: { on: { PRESS: 'on' } }, on: { after: { 60_000: 'off' }, on: { PRESS: 'off' } } },
    })
    const time = createSimulatedTime()
    const actor = createActor(lamp, { clock: time.actorClock }).start()
    actor.send({ type: 'PRESS' })
    await time.run(59_999)
    expect(actor.getSnapshot().value).toBe('on')
    await time.runUntil(waitFor(actor, (snapshot) => snapshot.matches('off')))
    expect(time.elapsedMs()).toBe(60_000)
  })
})
