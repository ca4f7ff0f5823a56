import { afterEach, describe, expect, it } from 'vitest'
import { executablePath, openChromiumApp, type ChromiumApp } from '../support/chromium-app.ts'

let app: ChromiumApp | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('answers without a body, in a browser', () => {
  it('S4 204 says that a delete is done, and 304 that nothing has changed', async () => {
    app = await openChromiumApp(['busy-tabs/page.ts'])
    const page = await app.open({ server: app.serverUrl })
    const settled = (type: string, payload: string): Promise<unknown> =>
      page.evaluate(`engine.enqueue({ type: '${type}', entity: 'note', id: 'a'${payload} }).then(({ settled }) => settled)`)
    expect(await settled('create', ', payload: {}')).toEqual({ status: 'done' })
    expect(await settled('delete', '')).toEqual({ status: 'done' })
    const pulled = (): Promise<unknown> => page.evaluate('engine.synchronize().then(({ pulled }) => pulled)')
    expect(await pulled()).toEqual([{ entity: 'note', isComplete: true }])
    expect(await pulled()).toEqual([{ entity: 'note', isComplete: true }])
  })
})
