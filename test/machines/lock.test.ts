import { describe, expect, it } from 'vitest'
import { candidate, leaseOf, leaseRecord, lockOptions, together, type Candidate } from './lock-world.ts'

const EIGHT_HOURS_MS = 8 * 3_600_000

/** Something that a test lets happen. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

async function holder(record = leaseRecord()): Promise<Candidate> {
  const lock = candidate(record)
  await lock.clock.advance(0)
  expect(lock.state()).toEqual({ holding: 'resting' })
  return lock
}

describe('a candidate for the lease', () => {
  it('A1 claims a lease that nobody has ever held', async () => {
    const record = leaseRecord()
    const lock = await holder(record)
    expect(lock.reports).toEqual([{ type: 'LOCK.ACQUIRED', epoch: 1, takeover: false }])
    expect(record.lease).toMatchObject({ owner: 'me', epoch: 1 })
  })

  it('A1 claims a lease that was released, under a higher epoch', async () => {
    const lock = await holder(leaseRecord({ ...leaseOf('', 7), epoch: 7 }))
    expect(lock.reports).toEqual([{ type: 'LOCK.ACQUIRED', epoch: 8, takeover: false }])
  })

  it('A1 follows, and never claims, as long as it sees the owner beat', async () => {
    const record = leaseRecord(leaseOf('other'))
    const lock = candidate(record)
    for (let beat = 0; beat < 100; beat++) {
      record.lease = { ...record.lease!, rev: record.lease!.rev + 1 }
      await lock.clock.advance(lockOptions.staleMs - 2 * lockOptions.pollMs)
    }
    expect(lock.calls).not.toContain('claim')
    expect(lock.told()).toEqual([])
  })

  it('L2 takes a lease over once it saw no beat for staleMs, and not before', async () => {
    const lock = candidate(leaseRecord(leaseOf('other')))
    await lock.clock.advance(lockOptions.staleMs - 1)
    expect(lock.calls).not.toContain('claim')
    await lock.clock.advance(1 + lockOptions.pollMs)
    expect(lock.reports).toEqual([{ type: 'LOCK.ACQUIRED', epoch: 2, takeover: true }])
  })

  it('S10 does not take a gap in its own looking for the silence of the owner', async () => {
    const lock = candidate(leaseRecord(leaseOf('other')))
    await lock.clock.advance(lockOptions.staleMs / 2)
    lock.clock.suspend(EIGHT_HOURS_MS)
    await lock.clock.advance(0)
    expect(lock.calls).not.toContain('claim')
    await lock.clock.advance(lockOptions.staleMs / 2 - 3 * lockOptions.pollMs)
    expect(lock.calls).not.toContain('claim')
    await lock.clock.advance(3 * lockOptions.pollMs)
    expect(lock.state()).toEqual({ holding: 'resting' })
  })

  it('S10 counts anew when the lease changed hands while it was watching', async () => {
    const record = leaseRecord(leaseOf('other'))
    const lock = candidate(record)
    await lock.clock.advance(lockOptions.staleMs - lockOptions.pollMs)
    record.lease = leaseOf('third', 2)
    await lock.clock.advance(lockOptions.staleMs - lockOptions.pollMs)
    expect(lock.calls).not.toContain('claim')
  })

  it('L2 claims at once when the holder is certainly gone', async () => {
    const lock = candidate(leaseRecord(leaseOf('other')))
    await lock.clock.advance(1)
    expect(lock.watched).toEqual([leaseOf('other')])
    lock.gone()
    await lock.clock.advance(0)
    expect(lock.reports).toEqual([{ type: 'LOCK.ACQUIRED', epoch: 2, takeover: true }])
  })

  it('L2 claims a lease of its own, left by a claim or beat whose answer it missed', async () => {
    const lock = await holder(leaseRecord(leaseOf('me', 5)))
    expect(lock.calls).toEqual(['look', 'claim'])
    expect(lock.reports).toMatchObject([{ type: 'LOCK.ACQUIRED', epoch: 6 }])
  })

  it('L5 looks when the store was written, without waiting for the next poll', async () => {
    const record = leaseRecord(leaseOf('other'))
    const lock = candidate(record)
    await lock.clock.advance(1)
    record.lease = leaseOf('', 2)
    lock.actor.send({ type: 'POKE' })
    await lock.clock.advance(0)
    expect(lock.state()).toEqual({ holding: 'resting' })
  })

  it.each(['look', 'claim'] as const)('L5 reports a %s that fails and tries again', async (effect) => {
    const lock = candidate(leaseRecord())
    lock.failing.add(effect)
    await lock.clock.advance(3 * lockOptions.pollMs)
    expect(lock.told().length).toBeGreaterThanOrEqual(3)
    expect(new Set(lock.told())).toEqual(new Set(['LOCK.FAILED']))
    lock.failing.clear()
    await lock.clock.advance(lockOptions.pollMs)
    expect(lock.state()).toEqual({ holding: 'resting' })
  })
})

describe('racing candidates', () => {
  it('A1 S10 only one wins a free lease, and the others look again', async () => {
    const record = leaseRecord()
    const all = ['a', 'b', 'c'].map((owner) => candidate(record, owner))
    const claims = gate()
    for (const lock of all) lock.waiting.set('claim', claims.opened)
    await together(all, 10)
    expect(all.map((lock) => lock.state())).toEqual(['claiming', 'claiming', 'claiming'])
    claims.open()
    await together(all, 10)
    expect(all.filter((lock) => lock.told().includes('LOCK.ACQUIRED'))).toHaveLength(1)
    expect(all.filter((lock) => lock.state() === 'following')).toHaveLength(2)
  })

  it('L7 a duel ends: whoever is deposed follows, and the lease changes hands once', async () => {
    const record = leaseRecord()
    const all = ['a', 'b', 'c'].map((owner) => candidate(record, owner))
    await together(all, 200)
    const owner = all.find((lock) => lock.told().includes('LOCK.ACQUIRED'))!
    const others = all.filter((lock) => lock !== owner)
    await together(others, lockOptions.staleMs + 3 * lockOptions.pollMs)
    expect(record.lease).toMatchObject({ epoch: 2 })
    await together(all, 5 * lockOptions.staleMs)
    expect(record.lease).toMatchObject({ epoch: 2 })
    expect(owner.told()).toEqual(['LOCK.ACQUIRED', 'LOCK.LOST'])
    expect(all.filter((lock) => typeof lock.state() === 'object')).toHaveLength(1)
  })

  it('L2 survivors take over within staleMs and a few polls, however many there are', async () => {
    const record = leaseRecord()
    const all = ['a', 'b', 'c', 'd', 'e'].map((owner) => candidate(record, owner))
    await together(all, 100)
    const dead = all.find((lock) => lock.told().includes('LOCK.ACQUIRED'))!
    dead.actor.stop()
    const rest = all.filter((lock) => lock !== dead)
    await together(rest, lockOptions.staleMs + 3 * lockOptions.pollMs)
    expect(rest.filter((lock) => lock.told().includes('LOCK.ACQUIRED'))).toHaveLength(1)
  })
})

describe('an owner', () => {
  it('A1 beats, and each beat can be seen', async () => {
    const record = leaseRecord()
    const lock = await holder(record)
    await lock.clock.advance(10 * lockOptions.heartbeatMs)
    expect(record.lease).toMatchObject({ beat: 10, rev: 11, epoch: 1 })
    expect(lock.told()).toEqual(['LOCK.ACQUIRED'])
  })

  it('S10 steps back when a beat finds the lease changed', async () => {
    const record = leaseRecord()
    const lock = await holder(record)
    record.lease = leaseOf('other', 9)
    await lock.clock.advance(lockOptions.heartbeatMs)
    expect(lock.told()).toEqual(['LOCK.ACQUIRED', 'LOCK.LOST'])
    expect(lock.state()).toBe('following')
  })

  it('L5 keeps the lease when a beat fails, and tries again four times as often', async () => {
    const lock = await holder()
    lock.failing.add('beat')
    await lock.clock.advance(2 * lockOptions.heartbeatMs)
    expect(lock.calls.filter((call) => call === 'beat')).toHaveLength(5)
    expect(lock.told()).not.toContain('LOCK.LOST')
    lock.failing.clear()
    await lock.clock.advance(lockOptions.heartbeatMs)
    expect(lock.state()).toEqual({ holding: 'resting' })
  })

  it.each(['resting', 'beating', 'unsure'])('S10 steps back when a write was fenced while it is %s', async (state) => {
    const record = leaseRecord()
    const lock = await holder(record)
    if (state === 'beating') lock.waiting.set('beat', gate().opened)
    if (state === 'unsure') lock.failing.add('beat')
    if (state !== 'resting') await lock.clock.advance(lockOptions.heartbeatMs)
    expect(lock.state()).toEqual({ holding: state })
    record.lease = leaseOf('other', 9)
    lock.actor.send({ type: 'FENCED' })
    await lock.clock.advance(0)
    expect(lock.told().at(-1)).toBe('LOCK.LOST')
    expect(lock.state()).toBe('following')
  })
})

describe('a release', () => {
  /** Brings a fresh lock into each of its states. */
  const states: Record<string, () => Promise<Candidate>> = {
    async looking() {
      const lock = candidate(leaseRecord())
      lock.waiting.set('look', gate().opened)
      return lock
    },
    async following() {
      const lock = candidate(leaseRecord(leaseOf('other')))
      await lock.clock.advance(1)
      return lock
    },
    async claiming() {
      const lock = candidate(leaseRecord())
      lock.waiting.set('claim', gate().opened)
      await lock.clock.advance(1)
      return lock
    },
    async retrying() {
      const lock = candidate(leaseRecord())
      lock.failing.add('look')
      await lock.clock.advance(1)
      return lock
    },
    resting: () => holder(),
    async beating() {
      const lock = await holder()
      lock.waiting.set('beat', gate().opened)
      await lock.clock.advance(lockOptions.heartbeatMs)
      return lock
    },
    async unsure() {
      const lock = await holder()
      lock.failing.add('beat')
      await lock.clock.advance(lockOptions.heartbeatMs)
      return lock
    },
  }

  it.each(Object.keys(states))('L10 ends as released when it is %s, whatever comes of it', async (state) => {
    for (const fails of [false, true]) {
      const lock = await states[state]!()
      if (fails) lock.failing.add('release')
      lock.actor.send({ type: 'RELEASE' })
      lock.actor.send({ type: 'RELEASE' })
      await lock.clock.advance(0)
      expect(lock.state()).toBe('released')
      expect(lock.calls.filter((call) => call === 'release')).toHaveLength(1)
      expect(lock.told().filter((type) => type === 'LOCK.RELEASED')).toHaveLength(1)
      expect(lock.told().includes('LOCK.FAILED')).toBe(fails || state === 'retrying' || state === 'unsure')
      expect(lock.clock.pending()).toBe(0)
    }
  })

  it('L2 lets the next candidate own at once', async () => {
    const record = leaseRecord()
    const lock = await holder(record)
    const other = candidate(record, 'other')
    await other.clock.advance(1)
    lock.actor.send({ type: 'RELEASE' })
    await lock.clock.advance(0)
    await other.clock.advance(lockOptions.pollMs)
    expect(other.reports).toEqual([{ type: 'LOCK.ACQUIRED', epoch: 2, takeover: false }])
  })
})
