import { describe, expect, it } from 'vitest'
import { StorageCorruptError, StorageUnavailableError } from '../../src/core/errors.ts'
import { followingEngine, input, makeEngine, owningEngine, type Engine } from './engine-world.ts'

const STARTED = ['breaker started', 'drain started', 'lock started', 'connectivity started', 'pull started']

describe('opening', () => {
  it('A8 starts the parts once the store is open, the lock after the drain that it will speak to', async () => {
    const engine = makeEngine()
    await engine.send({ type: 'START' })
    expect([engine.state(), engine.news()]).toEqual(['opening', []])
    await engine.settle('opens')
    expect([engine.state(), engine.news()]).toEqual(['running.following', STARTED])
  })

  it('L5 a store that could not be opened for now is tried again by itself', async () => {
    const engine = makeEngine()
    await engine.send({ type: 'START' })
    await engine.settle('opens', new StorageUnavailableError('Not now.'))
    expect(engine.state()).toBe('failed')
    await engine.clock.advance(input.restartMs)
    expect([engine.state(), engine.opens.length]).toEqual(['opening', 2])
    await engine.settle('opens')
    expect(engine.state()).toBe('running.following')
    expect(engine.actor.getSnapshot().context.error).toBeUndefined()
  })

  it.each([new StorageCorruptError('Broken.'), new Error('unknown'), undefined])(
    'D5 a store that will not open by itself is left alone until START: %s',
    async (error) => {
      const engine = makeEngine()
      await engine.send({ type: 'START' })
      engine.opens[0]!.reject(error)
      await engine.clock.advance(100 * input.restartMs)
      expect([engine.state(), engine.opens.length, engine.clock.pending()]).toEqual(['failed', 1, 0])
      expect(engine.actor.getSnapshot().context.error).toBe(error)
      await engine.send({ type: 'START' })
      await engine.settle('opens')
      expect(engine.state()).toBe('running.following')
    },
  )
})

describe('owning', () => {
  it('A1 drains from the moment it owns, under its epoch, and stops when the lease is lost', async () => {
    const engine = await followingEngine()
    engine.news()
    await engine.report({ type: 'LOCK.ACQUIRED', epoch: 3, takeover: false })
    expect([engine.state(), engine.news()]).toEqual(['running.owning.draining', ['drain OWN', 'drain DRAIN', 'pull GO']])
    await engine.report({ type: 'LOCK.LOST' })
    expect([engine.state(), engine.news()]).toEqual(['running.following', ['pull HOLD', 'drain DISOWN']])
  })
})

describe('pauses', () => {
  it('A8 each needs its own name to end, and the last one to end lets it drain', async () => {
    const engine = await owningEngine()
    engine.news()
    for (const reason of ['battery', 'user', 'battery']) await engine.send({ type: 'PAUSE', reason })
    expect([engine.state(), engine.news()]).toEqual(['running.owning.paused', ['drain HOLD', 'pull HOLD']])
    await engine.send({ type: 'RESUME', reason: 'other' })
    await engine.send({ type: 'RESUME', reason: 'battery' })
    expect([engine.pauses(), engine.news()]).toEqual([['user'], []])
    await engine.send({ type: 'RESUME', reason: 'user' })
    expect([engine.state(), engine.news()]).toEqual(['running.owning.draining', ['drain DRAIN', 'pull GO']])
  })

  it('A8 hold before the start, and over ownerships', async () => {
    const engine = makeEngine()
    await engine.send({ type: 'PAUSE', reason: 'user' })
    await engine.send({ type: 'START' })
    await engine.settle('opens')
    await engine.report({ type: 'LOCK.ACQUIRED', epoch: 1, takeover: false })
    expect(engine.state()).toBe('running.owning.paused')
    await engine.report({ type: 'LOCK.LOST' })
    await engine.report({ type: 'LOCK.ACQUIRED', epoch: 3, takeover: false })
    expect(engine.state()).toBe('running.owning.paused')
  })

  it('D1 the network is one of them', async () => {
    const engine = await owningEngine()
    await engine.report({ type: 'NETWORK.OFFLINE' })
    expect([engine.state(), engine.pauses()]).toEqual(['running.owning.paused', ['network']])
    await engine.report({ type: 'NETWORK.ONLINE' })
    expect(engine.state()).toBe('running.owning.draining')
  })

  it('S24 missing credentials are one of them, for authPauseMs or until somebody resumes', async () => {
    const engine = await owningEngine()
    await engine.report({ type: 'DRAIN.AUTH_NEEDED' })
    await engine.clock.advance(input.authPauseMs - 1)
    await engine.report({ type: 'DRAIN.AUTH_NEEDED' })
    await engine.clock.advance(input.authPauseMs - 1)
    expect([engine.state(), engine.pauses()]).toEqual(['running.owning.paused', ['auth']])
    await engine.clock.advance(1)
    expect(engine.state()).toBe('running.owning.draining')
    await engine.report({ type: 'DRAIN.AUTH_NEEDED' })
    await engine.send({ type: 'RESUME', reason: 'auth' })
    expect(engine.state()).toBe('running.owning.draining')
  })
})

describe('the pull', () => {
  it('L5 is told what is wanted in every state in which it runs', async () => {
    const engine = await followingEngine()
    engine.news()
    await engine.send({ type: 'PULL.WANTED', targets: [{ entity: 'note', full: true }] })
    expect(engine.news()).toEqual(['pull PULL'])
  })

  it('S24 its missing credentials pause everything', async () => {
    const engine = await owningEngine()
    engine.news()
    await engine.report({ type: 'PULL.AUTH_NEEDED' })
    expect([engine.pauses(), engine.news()]).toEqual([['auth'], ['drain HOLD', 'pull HOLD']])
    await engine.clock.advance(input.authPauseMs)
    expect([engine.pauses(), engine.news()]).toEqual([[], ['drain DRAIN', 'pull GO']])
  })
})

describe('a part that dies', () => {
  it.each(['lock', 'breaker', 'connectivity', 'drain', 'pull'] as const)(
    'L5 %s: it is reported, and all parts start anew',
    async (part) => {
      const engine = await owningEngine()
      engine.news()
      await engine.kill(part)
      expect([engine.state(), engine.failures]).toEqual(['restarting', [part]])
      expect(engine.news().toSorted()).toEqual(
        ['lock', 'breaker', 'connectivity', 'drain', 'pull']
          .filter((other) => other !== part)
          .map((other) => `${other} ended`)
          .concat(part === 'pull' ? [] : ['pull HOLD'])
          .toSorted(),
      )
      await engine.clock.advance(input.restartMs)
      expect([engine.state(), engine.news()]).toEqual(['running.following', STARTED])
    },
  )

  it('L5 again and again: it is started as often', async () => {
    const engine = await followingEngine()
    for (let time = 0; time < 20; time++) {
      await engine.kill('drain')
      await engine.clock.advance(input.restartMs)
    }
    expect([engine.state(), engine.failures.length]).toEqual(['running.following', 20])
  })
})

type Make = () => Promise<Engine>

/** The engine in each state in which STOP may find it. */
const states: Record<string, Make> = {
  async opening() {
    const engine = makeEngine()
    await engine.send({ type: 'START' })
    return engine
  },
  async failed() {
    const engine = await states['opening']!()
    await engine.settle('opens', new StorageUnavailableError('Not now.'))
    return engine
  },
  following: () => followingEngine(),
  draining: () => owningEngine(),
  async paused() {
    const engine = await owningEngine()
    await engine.send({ type: 'PAUSE', reason: 'user' })
    return engine
  },
  async 'waiting for credentials'() {
    const engine = await owningEngine()
    await engine.report({ type: 'DRAIN.AUTH_NEEDED' })
    return engine
  },
  async restarting() {
    const engine = await owningEngine()
    await engine.kill('lock')
    return engine
  },
  async leaving() {
    const engine = await owningEngine()
    await engine.send({ type: 'STOP' })
    return engine
  },
  async releasing() {
    const engine = await states['leaving']!()
    await engine.report({ type: 'DRAIN.QUIET' })
    return engine
  },
  async closing() {
    const engine = await states['releasing']!()
    await engine.report({ type: 'LOCK.RELEASED' })
    return engine
  },
}

/** Answers whatever the engine waits for on its way out. */
async function leave(engine: Engine): Promise<void> {
  await engine.send({ type: 'DRAIN.QUIET' })
  await engine.send({ type: 'LOCK.RELEASED' })
  await engine.settle('closes')
}

describe('STOP', () => {
  it.each(Object.keys(states))('L10 while %s: everything ends, the store is closed once, no timer is left', async (name) => {
    const engine = await states[name]!()
    await engine.send({ type: 'STOP' })
    await engine.send({ type: 'STOP' })
    await leave(engine)
    expect([engine.state(), engine.closes.length, engine.clock.pending()]).toEqual(['stopped', 1, 0])
    expect(engine.pauses()).not.toContain('auth')
  })

  it.each(Object.keys(states))('L10 while %s: it can be started again', async (name) => {
    const engine = await states[name]!()
    await engine.send({ type: 'STOP' })
    await leave(engine)
    await engine.send({ type: 'START' })
    await engine.settle('opens')
    await engine.report({ type: 'LOCK.ACQUIRED', epoch: 9, takeover: false })
    expect(engine.state()).toBe(name === 'paused' ? 'running.owning.paused' : 'running.owning.draining')
  })

  it('S1 lets what is in flight end before the lease is released, and then the store is closed', async () => {
    const engine = await owningEngine()
    engine.news()
    await engine.send({ type: 'STOP' })
    expect([engine.state(), engine.news()]).toEqual(['running.leaving', ['pull HOLD', 'drain QUIESCE']])
    await engine.report({ type: 'DRAIN.QUIET' })
    expect([engine.state(), engine.news()]).toEqual(['running.releasing', ['drain DISOWN', 'lock RELEASE']])
    await engine.report({ type: 'LOCK.RELEASED' })
    expect(engine.state()).toBe('closing')
  })

  it('L10 waits for a drain, a lock and a store that do not answer for a limited time each', async () => {
    const engine = await owningEngine()
    await engine.send({ type: 'STOP' })
    await engine.clock.advance(input.stopTimeoutMs)
    expect(engine.state()).toBe('running.releasing')
    await engine.clock.advance(input.stopTimeoutMs)
    expect(engine.state()).toBe('closing')
    await engine.clock.advance(100 * input.stopTimeoutMs)
    expect([engine.state(), engine.failures]).toEqual(['stopped', ['store']])
  })

  it('L10 a store that fails to close is reported, and it is stopped all the same', async () => {
    const engine = await states['closing']!()
    await engine.settle('closes', new Error('EIO'))
    expect([engine.state(), engine.failures]).toEqual(['stopped', ['store']])
  })

  it('S10 a lease that comes while leaving is not taken up', async () => {
    const engine = await followingEngine()
    await engine.send({ type: 'STOP' })
    engine.news()
    await engine.report({ type: 'LOCK.ACQUIRED', epoch: 4, takeover: false })
    await leave(engine)
    expect(engine.news()).not.toContain('drain OWN')
    expect(engine.state()).toBe('stopped')
  })

  it.each(['leaving', 'releasing'])('L10 a part that dies while %s does not bring the engine back', async (name) => {
    for (const part of ['lock', 'breaker', 'connectivity', 'drain'] as const) {
      const engine = await states[name]!()
      await engine.kill(part)
      expect([engine.state(), engine.failures]).toEqual(['closing', [part]])
    }
  })
})
