import { afterEach, describe, expect, it } from 'vitest'
import type { Statistics } from '../../src/index.ts'
import { executablePath, openChromiumApp, type ChromiumApp } from '../support/chromium-app.ts'

let app: ChromiumApp | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

const patience = { timeout: 20_000, interval: 50 }
const live = `engine.operations.count('live')`
const statistics = 'engine.statistics.get()'

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('two tabs over one IndexedDB', () => {
  it('B10 add what each did to one row, which is there when both are gone', async () => {
    app = await openChromiumApp(['busy-tabs/page.ts'])
    const { server, context, serverUrl } = app
    let written = 0
    await context.exposeFunction('enqueued', () => void (written += 1))
    const tabs = [await app.open({ server: serverUrl }), await app.open({ server: serverUrl })]
    await Promise.all(
      tabs.map((tab, at) => tab.evaluate(`write(${JSON.stringify(Array.from({ length: 8 }, (_, n) => `${at}-${n}`))})`)),
    )
    await expect.poll(() => tabs[0]!.evaluate(live), patience).toBe(0)
    await Promise.all(tabs.map((tab) => tab.evaluate('engine.stop()')))
    await Promise.all(tabs.map((tab) => tab.close()))
    const later = await app.open({ server: serverUrl })
    const sum = (await later.evaluate(statistics)) as Statistics
    const ended = sum.done + sum.rejected + sum.cancelled + sum.coalesced
    expect([written, sum.enqueued, ended]).toEqual([16, 16, 16])
    expect(sum.latencyMs.count).toBe(sum.done)
    expect(sum.requests).toBeGreaterThanOrEqual(server.ledger().length)
  }, 60_000)
})
