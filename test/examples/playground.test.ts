import { chromium, type Browser, type FrameLocator, type Page, type Route } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SyncEngine } from '../../src/index.ts'
import { startPlayground, type Playground } from '../../examples/playground/serve.mjs'
import { findChromium } from '../../scripts/chromium.mjs'
import { picture } from '../support/pictures.ts'

const executablePath = findChromium()

/** In a device's page. Not by its fields, which would take the focus. */
async function change(_body: Element, [title, payload]: readonly [string, object]): Promise<void> {
  const { engine } = window as Window & { readonly engine?: SyncEngine }
  const tasks = (await engine?.view<{ title: string }>('task').list()) ?? []
  const id = tasks.find(({ value }) => value.title === title)?.id ?? ''
  await engine?.enqueue({ type: 'update', entity: 'task', id, payload })
}

async function columnOf(_body: Element, title: string): Promise<string | undefined> {
  const { engine } = window as Window & { readonly engine?: SyncEngine }
  const tasks = (await engine?.view<{ title: string; column: string }>('task').list()) ?? []
  return tasks.find(({ value }) => value.title === title)?.value.column
}

/** Whether any was made before its time, and how far away the next one is. */
function lastAttempt(): { readonly isEarly: boolean; readonly leftMs: number } {
  const { engine } = window as Window & { readonly engine?: SyncEngine }
  const events = (engine?.history() ?? []).filter(({ type }) => type === 'sync:retry' || type === 'sync:started')
  const isEarly = events.some(({ type, at }, index) => {
    const before = events[index - 1]
    return type === 'sync:started' && before?.type === 'sync:retry' && at < before.nextAttemptAt
  })
  const last = events.at(-1)
  return { isEarly, leftMs: last?.type === 'sync:retry' ? last.nextAttemptAt - Date.now() : 0 }
}

describe.skipIf(executablePath === undefined)('the playground, in a real Chromium', () => {
  let playground: Playground
  let browser: Browser
  let page: Page
  let ana: FrameLocator
  let ben: FrameLocator

  const missing: string[] = []

  beforeAll(async () => {
    playground = await startPlayground()
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] })
    page = await browser.newPage({ viewport: { width: 1600, height: 900 } })
    // Before the test's own limit, which would not say what was waited for.
    page.context().setDefaultTimeout(10_000)
    page.on('response', (response) => response.status() === 404 && missing.push(response.url()))
    await page.goto(playground.url)
    ana = page.frameLocator('iframe[name=ana]')
    ben = page.frameLocator('iframe[name=ben]')
    await ana.getByLabel('New task').waitFor()
    await ben.getByLabel('New task').waitFor()
  }, 120_000)
  afterAll(async () => {
    await browser.close()
    await playground.close()
  })

  const add = async (device: FrameLocator, title: string): Promise<void> => {
    await device.getByLabel('New task').fill(title)
    await device.getByLabel('New task').press('Enter')
  }
  const titled = (device: FrameLocator, title: string) => device.locator(`article:has(input[value="${title}"])`)
  const rename = async (device: FrameLocator, title: string, next: string): Promise<void> => {
    const field = titled(device, title).getByLabel('Title')
    await field.fill(next)
    await field.press('Enter')
  }

  it('C9 A7 what one device writes is seen on the other', async () => {
    await add(ana, 'Buy bread')
    await titled(ben, 'Buy bread').waitFor()
    expect(await titled(ana, 'Buy bread').getAttribute('data-status')).toBe('synced')
    await titled(ben, 'Buy bread').getByLabel('Move right').click()
    await ana.getByLabel('Doing').locator('article').waitFor()
  })

  it('C9 a title that can not be kept is not lost: it says why, and can be typed otherwise', async () => {
    const told = page.waitForEvent('dialog').then(async (dialog) => {
      await dialog.accept()
      return dialog.message()
    })
    const long = 'x'.repeat(300_000)
    await add(ana, long)
    expect(await told).toContain('is larger than')
    await expect.poll(() => ana.getByLabel('New task').inputValue()).toBe(long)
    await ana.getByLabel('New task').fill('')
  })

  it('C9 C2 offline, a device says so, keeps what is written, and explains what it waits for', async () => {
    await ana.getByLabel('offline').check()
    await ana.getByRole('alert').waitFor()
    await add(ana, 'Call Ben')
    expect(await titled(ana, 'Call Ben').getAttribute('data-status')).toBe('pending')
    await titled(ana, 'Call Ben').getByTitle('Why?').click()
    await expect.poll(() => titled(ana, 'Call Ben').locator('.why').textContent()).toMatch(/network/)
    await picture(page, 'playground-offline')
    await titled(ana, 'Call Ben').getByTitle('Why?').click()
    await ana.getByLabel('offline').uncheck()
    await titled(ben, 'Call Ben').waitFor()
  })

  it('C9 F8 what a card says of its waiting follows it, until the server has it', async () => {
    const card = titled(ana, 'Water the plants')
    await ana.getByLabel('network').selectOption('server fails')
    await add(ana, 'Water the plants')
    await card.getByTitle('Why?').click()
    await expect.poll(() => card.locator('.why').textContent()).toMatch(/^Waits for the next attempt in \d+ m?s\. .*503/)
    await ana.getByLabel('network').selectOption('works')
    await expect.poll(() => card.locator('.why').textContent()).toBe('The server has it; nothing waits.')
    await card.getByTitle('Why?').click()
    await card.locator('.why').waitFor({ state: 'detached' })
  })

  it('C9 B7 Synchronise tries at once what waits for its next attempt', async () => {
    await ana.getByLabel('network').selectOption('server fails')
    await add(ana, 'Pay the rent')
    // Each asking is one more failure, of which ten open the breaker: it is for an attempt that is some time away.
    const isTriedEarly = async (): Promise<boolean> => {
      const { isEarly, leftMs } = await ana.locator('body').evaluate(lastAttempt)
      if (leftMs > 200) await ana.getByText('Synchronise').click()
      return isEarly
    }
    await expect.poll(isTriedEarly).toBe(true)
    await ana.getByLabel('network').selectOption('works')
    await ana.getByText('Synchronise').click()
    await titled(ben, 'Pay the rent').waitFor()
  })

  const conflictAbout = async (title: string, mine: string, theirs: string): Promise<void> => {
    await ana.getByLabel('offline').check()
    await rename(ana, title, mine)
    await rename(ben, title, theirs)
    await expect.poll(() => titled(ben, theirs).getAttribute('data-status')).toBe('synced')
    await ana.getByLabel('offline').uncheck()
    await ana.getByLabel('Conflict').waitFor()
  }

  it('C9 B5 two changes of one task are put before a person, and both devices end as he decides', async () => {
    await conflictAbout('Buy bread', 'Buy rye bread', 'Buy rolls')
    const conflict = ana.getByLabel('Conflict')
    expect(await conflict.getByRole('heading').textContent()).toBe('“Buy rye bread” was changed here and elsewhere')
    await conflict.getByLabel('title becomes').fill('Buy rye rolls')
    await picture(page, 'playground-conflict')
    await conflict.getByText('As edited').click()
    await titled(ben, 'Buy rye rolls').waitFor()
    await titled(ana, 'Buy rye rolls').waitFor()
  })

  it('C9 B5 a conflict covers nothing, can be put off, and is led back to', async () => {
    await conflictAbout('Buy rye rolls', 'Buy pretzels', 'Buy cake')
    const conflict = ana.getByLabel('Conflict')
    for (const control of [ana.getByLabel('offline'), ana.getByLabel('network'), ana.getByText('Another tab')])
      await control.click({ trial: true })
    await titled(ana, 'Buy pretzels').getByTitle('Why?').click({ trial: true })
    await conflict.getByText('Later').click()
    await conflict.waitFor({ state: 'detached' })
    await ana.getByRole('link', { name: '1 conflict' }).click()
    await conflict.getByRole('button', { name: 'Theirs' }).click()
    await titled(ana, 'Buy cake').waitFor()
    expect(await titled(ben, 'Buy cake').getAttribute('data-status')).toBe('synced')
    await conflictAbout('Buy cake', 'Buy buns', 'Buy pie')
    await conflict.getByRole('button', { name: 'Yours' }).click()
    await titled(ben, 'Buy buns').waitFor()
  })

  it('C9 B5 what is being typed stays while another device changes it, and both are put before a person', async () => {
    const field = titled(ana, 'Buy buns').getByLabel('Title')
    await field.focus()
    await ana.locator('body').press('End')
    await ana.locator(':focus').pressSequentially(' and jam')
    await ben.locator('body').evaluate(change, ['Buy buns', { title: 'Buy scones' }] as const)
    await ana.getByTitle('Buy scones').waitFor()
    expect(await ana.locator(':focus').inputValue()).toBe('Buy buns and jam')
    await ana.locator(':focus').press('Enter')
    const conflict = ana.getByLabel('Conflict')
    await conflict.waitFor()
    expect(await conflict.getByRole('row').last().getByRole('cell').allTextContents()).toEqual([
      'Buy buns',
      'Buy buns and jam',
      'Buy scones',
      '',
    ])
    await conflict.getByLabel('title becomes').fill('Buy buns')
    await conflict.getByText('As edited').click()
    await titled(ben, 'Buy buns').waitFor()
    await titled(ana, 'Buy buns').waitFor()
  })

  it('C9 B5 what is being typed stays while another device moves the card, which goes there afterwards', async () => {
    await titled(ana, 'Buy buns').getByLabel('Title').focus()
    await ana.locator('body').press('End')
    await ana.locator(':focus').pressSequentially(' today')
    await ben.locator('body').evaluate(change, ['Buy buns', { column: 'done' }] as const)
    await ben.getByRole('region', { name: 'Done' }).getByTitle('Buy buns').waitFor()
    await expect.poll(() => ana.locator('body').evaluate(columnOf, 'Buy buns')).toBe('done')
    expect(await ana.locator(':focus').inputValue()).toBe('Buy buns today')
    await ana.locator(':focus').press('Enter')
    for (const device of [ana, ben]) await device.getByRole('region', { name: 'Done' }).getByTitle('Buy buns today').waitFor()
    await rename(ana, 'Buy buns today', 'Buy buns')
    await titled(ben, 'Buy buns').waitFor()
  })

  it('C9 B5 of a task that was deleted elsewhere the title is told', async () => {
    await ana.getByLabel('offline').check()
    await rename(ana, 'Buy buns', 'Buy many buns')
    await titled(ben, 'Buy buns').getByLabel('Delete').click()
    await titled(ben, 'Buy buns').waitFor({ state: 'detached' })
    await ana.getByLabel('offline').uncheck()
    const conflict = ana.getByLabel('Conflict')
    await conflict.getByText('“Buy many buns” was changed here and deleted elsewhere').waitFor()
    await conflict.getByRole('button', { name: 'Yours' }).click()
    await titled(ben, 'Buy many buns').waitFor()
  })

  it('C9 E4 what the server refuses keeps its text, and can be sent again otherwise, or given up', async () => {
    await ana.getByLabel('network').selectOption('server refuses writes')
    await add(ana, 'Call the dentits')
    const refused = ana.getByLabel('Refused')
    await refused.waitFor()
    expect(await refused.getByLabel('Title').inputValue()).toBe('Call the dentits')
    await picture(page, 'playground-refused')
    await ana.getByLabel('network').selectOption('works')
    await ana.getByRole('link', { name: '1 refused' }).click()
    await refused.getByLabel('Title').fill('Call the dentist')
    await refused.getByText('Send again').click()
    await titled(ben, 'Call the dentist').waitFor()
    await refused.waitFor({ state: 'detached' })
    await ana.getByLabel('network').selectOption('server refuses writes')
    await rename(ana, 'Call the dentist', 'Call the doctor')
    await refused.getByText('New title of “Call the dentist”').waitFor()
    await refused.getByText('Give up').click()
    await refused.waitFor({ state: 'detached' })
    await ana.getByLabel('network').selectOption('works')
  })

  it('C9 E4 what waits for a person, for it may not be, goes on when he sends it again', async () => {
    const headers = { 'access-control-allow-origin': '*' }
    const forbid = (route: Route): Promise<void> =>
      route.request().method() === 'POST' ? route.fulfill({ status: 403, headers }) : route.fallback()
    await page.route(`${playground.apiUrl}/**`, forbid)
    await add(ana, 'Forbidden')
    const refused = ana.getByLabel('Refused')
    await refused.getByText('New task “Forbidden”').waitFor()
    expect(await ana.getByRole('status').textContent()).not.toContain('waiting')
    await page.unroute(`${playground.apiUrl}/**`, forbid)
    await refused.getByText('Send again').click()
    await titled(ben, 'Forbidden').waitFor()
    await refused.waitFor({ state: 'detached' })
  })

  it('C9 one of two tabs of a device sends for both', async () => {
    const [tab] = await Promise.all([page.context().waitForEvent('page'), ana.getByText('Another tab').click()])
    await tab.getByText('another tab sends').waitFor()
    await tab.getByLabel('New task').fill('Of the other tab')
    await tab.getByLabel('New task').press('Enter')
    await titled(ben, 'Of the other tab').waitFor()
    await tab.close()
  })

  it('F2 the machines of the chosen device are beside it', async () => {
    await page.locator('#inspected').selectOption('ben')
    await page.locator('#inspector svg').first().waitFor()
    await picture(page, 'playground')
    const heightOfInspector = async (): Promise<number> => (await page.locator('#inspector').boundingBox())?.height ?? 0
    const before = await heightOfInspector()
    await page.getByLabel('Room for the boards').fill('20')
    expect(await heightOfInspector()).toBeGreaterThan(before + 100)
  })

  it('C9 F2 in a small window nothing reaches over the side', async () => {
    await page.setViewportSize({ width: 800, height: 700 })
    const widths = await page.evaluate(() =>
      ['html', '#inspector'].map((selector) => {
        const element = document.querySelector(selector)
        return (element?.scrollWidth ?? 0) - (element?.clientWidth ?? 0)
      }),
    )
    expect(widths).toEqual([0, 0])
    await page.locator('#inspector svg').first().scrollIntoViewIfNeeded()
    expect(missing.filter((url) => url.startsWith(playground.url))).toEqual([])
  })

  it('C9 a new server begins empty, and gets what had not been sent', async () => {
    await ana.getByLabel('offline').check()
    await add(ana, 'Not sent')
    await titled(ana, 'Not sent').waitFor()
    const { port } = new URL(playground.url)
    await playground.close()
    playground = await startPlayground({ port: Number(port) })
    await page.reload()
    await titled(ben, 'Not sent').waitFor()
    await expect.poll(() => ben.locator('article').count()).toBe(1)
  })
})
