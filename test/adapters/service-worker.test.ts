import type { CDPSession, Page } from 'playwright'
import { afterEach, describe, expect, it } from 'vitest'
import { executablePath, openChromiumApp, type ChromiumApp } from '../support/chromium-app.ts'

const TAG = 'drain-notes'

let app: ChromiumApp | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

/** A page of another origin, from which the browser's own tools reach the worker when no page of the application is left. */
async function tools(): Promise<{ readonly dispatch: (tag?: string, periodic?: boolean) => Promise<void> }> {
  const page = await app!.context.newPage()
  const session: CDPSession = await app!.context.newCDPSession(page)
  const registered = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const one = registrations.find(({ scopeURL, isDeleted }) => scopeURL.startsWith(app!.url) && !isDeleted)
      if (one !== undefined) resolve(one.registrationId)
    })
  })
  await session.send('ServiceWorker.enable')
  const registrationId = await registered
  return {
    async dispatch(tag = TAG, periodic = false) {
      const event = { origin: app!.url, registrationId, tag }
      if (periodic) await session.send('ServiceWorker.dispatchPeriodicSyncEvent', event)
      else await session.send('ServiceWorker.dispatchSyncEvent', { ...event, lastChance: false })
    },
  }
}

const notes = (): readonly { id: string }[] => app!.server.state('note') as { id: string }[]

/** Waits for a condition in the page. */
const until = (page: Page, condition: string): Promise<unknown> => page.waitForFunction(condition)

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('a service worker of a real browser', () => {
  it('E9 S4 sends, once, what the last tab enqueued without a network before it was closed', async () => {
    app = await openChromiumApp(['service-worker/page.ts', 'service-worker/sw.ts'])
    const page = await app.open()
    const { dispatch } = await tools()
    app.setReachable(false)
    const id = await page.evaluate<string>(`enqueue('n1')`)
    await until(page, `drains.length > 0`)
    expect(await page.evaluate('tags()')).toEqual([TAG])
    await page.close()
    expect([notes(), app.keys]).toEqual([[], []])
    app.setReachable(true)
    const watcher = await app.open({ engine: 'no', drain: 'no' })
    await dispatch()
    await until(watcher, `drains.length > 0`)
    expect(notes()).toMatchObject([{ id: 'n1', title: 'n1' }])
    expect(app.keys).toHaveLength(1)
    expect(app.server.ledger()).toHaveLength(1)
    const before = await watcher.evaluate<number>('drains.length')
    await dispatch()
    await until(watcher, `drains.length > ${before}`)
    expect(await watcher.evaluate('drains.at(-1)')).toEqual({ requests: 0 })
    expect(app.keys).toHaveLength(1)
    await watcher.evaluate('engine.start()')
    expect(await watcher.evaluate(`engine.operations.get('${id}')`)).toMatchObject({ status: 'done' })
  })

  it('E9 S4 S10 follows where a tab is open and owns: the tab sends, each once, and the worker nothing', async () => {
    app = await openChromiumApp(['service-worker/page.ts', 'service-worker/sw.ts'])
    const page = await app.open()
    await until(page, 'engine.metrics().lock.owner')
    const { dispatch } = await tools()
    const release = app.hold()
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    await page.evaluate(`Promise.all(${JSON.stringify(ids)}.map(enqueue))`)
    await until(page, 'engine.metrics().requests > 0')
    await dispatch()
    await dispatch(`${TAG}-daily`, true)
    release()
    await until(page, 'drains.length > 1')
    expect(await page.evaluate('drains')).toEqual([{ requests: 0 }, { requests: 0 }])
    expect(
      notes()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids)
    expect(new Set(app.keys).size).toBe(ids.length)
    expect(app.keys).toHaveLength(ids.length)
    expect(await page.evaluate('engine.metrics().lock')).toEqual({ owner: true, epoch: expect.any(Number), takeovers: 0 })
  })

  it('E9 L2 goes on by itself when that tab is closed in the midst of it', async () => {
    app = await openChromiumApp(['service-worker/page.ts', 'service-worker/sw.ts'])
    const page = await app.open()
    await until(page, 'engine.metrics().lock.owner')
    const watcher = await app.open({ engine: 'no', drain: 'no' })
    const { dispatch } = await tools()
    const release = app.hold()
    await page.evaluate(`Promise.all(['a', 'b'].map(enqueue))`)
    await until(page, 'engine.metrics().requests === 2')
    await dispatch(`${TAG}-daily`, true)
    await page.close({ runBeforeUnload: false })
    release()
    await until(watcher, 'drains.length > 0')
    expect(
      notes()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(['a', 'b'])
    expect(app.server.ledger()).toHaveLength(2)
  })

  it('E9 asks for nothing while all is well, and for a sync when a page is hidden or left with something that waits', async () => {
    app = await openChromiumApp(['service-worker/page.ts', 'service-worker/sw.ts'])
    const page = await app.open()
    expect(await page.evaluate('[registration.supported, registration.periodicSupported]')).toEqual([true, true])
    await page.evaluate(`enqueue('n1').then((id) => engine.operations.handle(id).settled)`)
    expect(await page.evaluate('tags()')).toEqual([])
    const release = app.hold()
    await page.evaluate(`enqueue('n2')`)
    await page.goto('about:blank')
    release()
    const watcher = await app.open({ engine: 'no', drain: 'no' })
    await expect.poll(() => notes().length).toBe(2)
    await watcher.evaluate('engine.start()')
    await until(watcher, `engine.operations.count('live').then((live) => live === 0)`)
    expect(app.server.ledger()).toHaveLength(2)
  })

  it('E9 D1 asks for a sync when something is enqueued while the engine knows of no network, whatever the browser says', async () => {
    app = await openChromiumApp(['service-worker/page.ts', 'service-worker/sw.ts'])
    await app.context.addInitScript(`
      globalThis.asked = []
      SyncManager.prototype.register = async (tag) => void asked.push(tag)
    `)
    const page = await app.open({ network: 'no' })
    expect(await page.evaluate('navigator.onLine')).toBe(true)
    await page.evaluate(`enqueue('n1')`)
    expect(await page.evaluate('asked')).toEqual([TAG])
  })

  it('E9 asks for nothing once it was stopped, though the worker becomes active only then', async () => {
    app = await openChromiumApp(['service-worker/page.ts', 'service-worker/sw.ts'])
    const page = await app.open({ worker: 'no' })
    app.setReachable(false)
    await page.evaluate(`(async () => {
      const retried = new Promise((resolve) => engine.on('sync:retry', resolve))
      await enqueue('n1')
      await retried
      registration.stop()
      await navigator.serviceWorker.register('/sw.js', { type: 'module' })
      const { sync } = await navigator.serviceWorker.ready
      await sync.register('later')
    })()`)
    expect(await page.evaluate('tags()')).not.toContain(TAG)
  })

  it('E9 D5 tells each refusal of the browser, and leaves nothing unhandled though whoever is told fails', async () => {
    app = await openChromiumApp(['service-worker/page.ts', 'service-worker/sw.ts'])
    await app.context.addInitScript(`
      globalThis.unhandled = 0
      addEventListener('unhandledrejection', () => (unhandled += 1))
      SyncManager.prototype.register = async () => { throw new Error('Not allowed.') }
    `)
    const page = await app.open({ fails: 'yes' })
    app.setReachable(false)
    await page.evaluate(`enqueue('n1')`)
    await until(page, `refusals.length > 1`)
    expect(await page.evaluate('[new Set(refusals).size, refusals[0], unhandled]')).toEqual([1, 'background-sync-refused', 0])
  })

  it('E9 says so where there is no Background Sync, and leaves the rest to the pages', async () => {
    app = await openChromiumApp(['service-worker/page.ts'])
    await app.context.addInitScript('delete globalThis.SyncManager; delete globalThis.PeriodicSyncManager')
    const page = await app.open({ worker: 'no' })
    expect(await page.evaluate('[registration.supported, registration.periodicSupported]')).toEqual([false, false])
    await page.evaluate(`enqueue('n1').then((id) => engine.operations.handle(id).settled)`)
    await page.evaluate('registration.stop()')
    expect(notes()).toHaveLength(1)
  })
})
