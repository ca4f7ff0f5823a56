import type { Page } from 'playwright'
import { afterEach, describe, expect, it } from 'vitest'
import { executablePath, openChromiumApp, type ChromiumApp } from '../support/chromium-app.ts'

let app: ChromiumApp | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

async function owner(page: Page): Promise<void> {
  await page.waitForFunction('engine.metrics().lock.owner')
}

/** The tab that owns, and another. */
async function twoTabs(): Promise<readonly [Page, Page]> {
  app = await openChromiumApp(['tabs/page.ts'])
  const first = await app.open()
  await owner(first)
  return [first, await app.open()]
}

function expectOnceEach(ids: readonly string[]): void {
  expect((app!.server.state('note') as { id: string }[]).map(({ id }) => id).toSorted()).toEqual([...ids].toSorted())
  expect(app!.server.ledger()).toHaveLength(ids.length)
}

/** The page goes into the back/forward cache, and is shown again when the function that is returned is called. */
async function leave(page: Page): Promise<() => Promise<unknown>> {
  await page.goto(`${app!.url}/elsewhere`)
  return () => page.evaluate('void setTimeout(() => history.back())')
}

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('a tab that the browser keeps in its back/forward cache', () => {
  it('L2 S10 is succeeded at once, however long its lease would still be good; shown again, it follows and loses nothing', async () => {
    const [first, second] = await twoTabs()
    expect(await first.evaluate(`save('a')`)).toBe('done')
    const former = await first.evaluate<number>('engine.metrics().lock.epoch')
    const comeBack = await leave(first)
    await owner(second)
    expect(await second.evaluate(`save('b')`)).toBe('done')
    await comeBack()
    await expect
      .poll(() => app!.told.at(-1), { timeout: 20_000 })
      .toMatchObject({
        status: 'done',
        lock: { owner: false },
        happened: expect.arrayContaining(['pagehide persisted', 'pageshow persisted', 'lock:lost']),
      })
    expect(await second.evaluate('engine.metrics().lock')).toMatchObject({ owner: true, epoch: former + 1 })
    expectOnceEach(['a', 'b', 'back'])
  })

  it('L2 L5 with no other tab about, it goes on as the owner that it was', async () => {
    app = await openChromiumApp(['tabs/page.ts'])
    const page = await app.open()
    await owner(page)
    expect(await page.evaluate(`save('a')`)).toBe('done')
    const epoch = await page.evaluate<number>('engine.metrics().lock.epoch')
    const comeBack = await leave(page)
    await comeBack()
    await expect.poll(() => app!.told, { timeout: 20_000 }).toHaveLength(1)
    expect(app.told[0]).toMatchObject({ status: 'done', lock: { owner: true, epoch } })
    expectOnceEach(['a', 'back'])
  })

  it('L2 S4 left in the midst of a request, what it was about is sent again by its successor, and applied once', async () => {
    const [first, second] = await twoTabs()
    const release = app!.hold()
    await first.evaluate(`void save('a')`)
    await expect.poll(() => app!.keys.length).toBe(1)
    await leave(first)
    await owner(second)
    release()
    await second.waitForFunction(`engine.operations.count('live').then((live) => live === 0)`)
    expectOnceEach(['a'])
  })
})
