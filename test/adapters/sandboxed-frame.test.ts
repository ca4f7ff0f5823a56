import { afterEach, describe, expect, it } from 'vitest'
import { executablePath, openChromiumApp, type ChromiumApp } from '../support/chromium-app.ts'

let app: ChromiumApp | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('a frame that the browser gives no origin', () => {
  it('B1 E9 is told that there is no storage by the error that says so, and that there is no drain', async () => {
    app = await openChromiumApp(['sandboxed/page.ts', 'sandboxed/frame.ts'])
    const page = await app.open()
    await page.waitForFunction('globalThis.told !== undefined')
    expect(await page.evaluate('told')).toEqual({ started: 'storage-unavailable', drain: 'not supported' })
  })
})
