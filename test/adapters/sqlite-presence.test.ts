import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { processPresence } from '../../src/adapters/sqlite/presence.ts'
import { startWorker } from './support/workers.ts'
import type { Worker } from './support/workers.ts'

const presence = processPresence()

const stateOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .charAt(0)

/** Spins, so that the event loop has no chance to reap the child. */
function spinUntil(holds: () => boolean): void {
  while (!holds());
}

async function startHolder(): Promise<{ worker: Worker; holder: string }> {
  const worker = startWorker('announce-presence')
  for await (const holder of worker.lines()) return { worker, holder }
  throw new Error(worker.complaints())
}

function watch(holder: string) {
  const end = new AbortController()
  const gone = vi.fn()
  void presence.whenGone(holder, end.signal).then(gone)
  return { gone, end }
}

/** Ten looks at the process, in no time. */
const looks = () => vi.advanceTimersByTimeAsync(2000)

describe('presence of processes', () => {
  let worker: Worker
  let holder: string
  beforeEach(async () => {
    ;({ worker, holder } = await startHolder())
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(async () => {
    vi.useRealTimers()
    worker.process.kill('SIGKILL')
    await worker.ended
  })

  const altered = (change: object) => JSON.stringify({ ...JSON.parse(holder), ...change })

  it('L2 a holder that was killed is gone, also one that is being watched', async () => {
    const { gone } = watch(holder)
    await looks()
    expect(gone).not.toHaveBeenCalled()
    worker.process.kill('SIGKILL')
    await worker.ended
    await looks()
    expect(gone).toHaveBeenCalledOnce()
    await presence.whenGone(holder, new AbortController().signal)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('S10 a stopped process is not gone, for it may wake up', async () => {
    worker.process.kill('SIGSTOP')
    spinUntil(() => stateOf(worker.pid) === 'T')
    const { gone } = watch(holder)
    await looks()
    expect(gone).not.toHaveBeenCalled()
    worker.process.kill('SIGKILL')
    await worker.ended
    await looks()
    expect(gone).toHaveBeenCalledOnce()
  })

  it('L2 a zombie is gone, though its process id still exists', async () => {
    process.kill(worker.pid, 'SIGKILL')
    spinUntil(() => stateOf(worker.pid) === 'Z')
    const gone = presence.whenGone(holder, new AbortController().signal)
    expect(stateOf(worker.pid)).toBe('Z')
    await gone
  })

  it('S10 of a process on another machine or in another container nothing can be known', async () => {
    worker.process.kill('SIGKILL')
    await worker.ended
    const others = [
      { host: 'elsewhere' },
      { host: 'elsewhere', bootId: 'x' },
      { pidNamespace: 'pid:[1]' },
      { pidNamespace: undefined },
    ]
    const watched = others.map((change) => watch(altered(change)))
    await looks()
    for (const { gone } of watched) expect(gone).not.toHaveBeenCalled()
  })

  it('L2 what ran before this machine was started anew is gone, and so is a process whose id another one has now', async () => {
    await presence.whenGone(altered({ bootId: 'an earlier boot' }), new AbortController().signal)
    await presence.whenGone(altered({ startTime: '1' }), new AbortController().signal)
  })

  it('S10 a holder that nobody of ours wrote is never taken for gone', async () => {
    const strange = [
      '',
      '{',
      'null',
      '[]',
      '{}',
      '"x"',
      altered({ pid: -1 }),
      altered({ pid: 0 }),
      altered({ pid: 'x' }),
      altered({ bootId: 7 }),
    ]
    const watched = strange.map(watch)
    await looks()
    for (const { gone } of watched) expect(gone).not.toHaveBeenCalled()
  })

  it('L10 a watch that is called off leaves no timer', async () => {
    const { gone, end } = watch(holder)
    expect(vi.getTimerCount()).toBe(1)
    end.abort()
    expect(vi.getTimerCount()).toBe(0)
    worker.process.kill('SIGKILL')
    await worker.ended
    await looks()
    expect(gone).not.toHaveBeenCalled()
  })

  it('L10 each announcement of a process is the same and can be taken back', async () => {
    const first = await presence.announce()
    const second = await presence.announce()
    expect(first.holder).toBe(second.holder)
    expect(JSON.parse(first.holder)).toMatchObject({ pid: process.pid })
    expect(first.holder).not.toBe(holder)
    await first.release()
  })
})
