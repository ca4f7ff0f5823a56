import { describe, expect, it } from 'vitest'
import { webPresence } from '../../../src/adapters/web-presence.ts'
import type { Presence } from '../../../src/core/ports.ts'

const presence = webPresence()!

/** The lock manager answers in the order in which it is asked, so a grant would have come before its answers. */
async function stillWaits(work: Promise<unknown>): Promise<boolean> {
  let over = false
  void work.then(
    () => (over = true),
    () => (over = true),
  )
  await navigator.locks.query()
  await navigator.locks.query()
  return !over
}

async function waiting(holder: string): Promise<number> {
  const { pending = [] } = await navigator.locks.query()
  return pending.filter((lock) => lock.name?.endsWith(holder.slice('web-lock:'.length))).length
}

function gone(holder: string): { readonly ended: Promise<void>; readonly stop: AbortController } {
  const stop = new AbortController()
  return { ended: presence.whenGone(holder, stop.signal), stop }
}

async function holderInWorker(): Promise<{ readonly worker: Worker; readonly holder: string }> {
  const worker = new Worker(new URL('./workers/holder.ts', import.meta.url), { type: 'module' })
  const holder = await new Promise<string>((resolve) =>
    worker.addEventListener('message', ({ data }) => resolve(data.holder), { once: true }),
  )
  return { worker, holder }
}

describe('presence by Web Locks', () => {
  it('L2 a holder is present until it lets go, and gone at once then', async () => {
    const { holder, release } = await presence.announce()
    const { ended } = gone(holder)
    expect(await stillWaits(ended)).toBe(true)
    await release()
    await ended
    await release()
  })

  it('L2 many may wait for the same holder, and each is told', async () => {
    const { holder, release } = await presence.announce()
    const waits = Array.from({ length: 3 }, () => gone(holder).ended)
    await release()
    await Promise.all(waits)
  })

  it('L2 a worker that is terminated is gone without having said so', async () => {
    const { worker, holder } = await holderInWorker()
    const { ended } = gone(holder)
    expect(await stillWaits(ended)).toBe(true)
    worker.terminate()
    await ended
  })

  it('L2 a page that is removed is gone without having said so', async () => {
    const frame = document.createElement('iframe')
    document.body.append(frame)
    const inFrame = frame.contentWindow as Window & typeof globalThis
    const holder = `web-lock:${crypto.randomUUID()}`
    await new Promise<void>((granted) => {
      void inFrame.navigator.locks.request(holder.replace('web-lock:', 'synchart:holder:'), () => {
        granted()
        return new Promise(() => {})
      })
    })
    const { ended } = gone(holder)
    expect(await stillWaits(ended)).toBe(true)
    frame.remove()
    await ended
  })

  it.each([
    ['frozen', () => document.dispatchEvent(new Event('freeze')), () => document.dispatchEvent(new Event('resume'))],
    [
      'kept to be shown again',
      () => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })),
      () => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })),
    ],
  ])('L2 a page that is %s is gone, and present again when it goes on', async (_, suspend, resume) => {
    const { holder, release } = await presence.announce()
    const { ended } = gone(holder)
    suspend()
    await ended
    await gone(holder).ended
    resume()
    await navigator.locks.query()
    const again = gone(holder)
    expect(await stillWaits(again.ended)).toBe(true)
    suspend()
    resume()
    await again.ended
    await release()
    resume()
    await gone(holder).ended
  })

  it('L2 a page that is left for good lets go before it is taken down', async () => {
    const { holder, release } = await presence.announce()
    const { ended } = gone(holder)
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))
    expect(await stillWaits(ended)).toBe(true)
    dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false }))
    await ended
    await release()
  })

  it('L10 a wait ends with its signal and leaves no request behind', async () => {
    const { holder, release } = await presence.announce()
    const { ended, stop } = gone(holder)
    expect(await waiting(holder)).toBe(1)
    stop.abort()
    expect(await waiting(holder)).toBe(0)
    await release()
    expect(await stillWaits(ended)).toBe(true)
    expect(await stillWaits(gone(holder).ended)).toBe(false)
    expect(await stillWaits(presence.whenGone(holder, stop.signal))).toBe(true)
  })

  it('S10 a holder of another kind is never taken for gone', async () => {
    expect(await stillWaits(gone('{"pid":4711}').ended)).toBe(true)
  })

  it('L2 where there are no Web Locks there is no presence', () => {
    Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true })
    const without: Presence | undefined = webPresence()
    Reflect.deleteProperty(navigator, 'locks')
    expect(without).toBeUndefined()
    expect(webPresence()).toBeDefined()
  })
})
