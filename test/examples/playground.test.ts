import { chromium, type Browser, type FrameLocator, type Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPlayground, type Playground } from '../../examples/playground/serve.mjs'
import { findChromium } from '../../scripts/chromium.mjs'
import { picture } from '../support/pictures.ts'

const executablePath = findChromium()

describe.skipIf(executablePath === undefined)('the playground, in a real Chromium', () => {
  let playground: Playground
  let browser: Browser
  let page: Page
  let ana: FrameLocator
  let ben: FrameLocator

  beforeAll(async () => {
    playground = await startPlayground()
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] })
    page = await browser.newPage({ viewport: { width: 1600, height: 900 } })
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

  it('C9 C2 offline, a device says so, keeps what is written, and explains what it waits for', async () => {
    await ana.getByLabel('offline').check()
    await ana.getByRole('alert').waitFor()
    await add(ana, 'Call Ben')
    expect(await titled(ana, 'Call Ben').getAttribute('data-status')).toBe('pending')
    await titled(ana, 'Call Ben').getByTitle('Why?').click()
    await expect.poll(() => titled(ana, 'Call Ben').locator('.why').textContent()).toMatch(/network/)
    await picture(page, 'playground-offline')
    await ana.getByLabel('offline').uncheck()
    await titled(ben, 'Call Ben').waitFor()
  })

  it('C9 B5 two changes of one task are put before a person, and both devices end as he decides', async () => {
    await ana.getByLabel('offline').check()
    await rename(ana, 'Buy bread', 'Buy rye bread')
    await rename(ben, 'Buy bread', 'Buy rolls')
    await expect.poll(() => titled(ben, 'Buy rolls').getAttribute('data-status')).toBe('synced')
    await ana.getByLabel('offline').uncheck()
    const dialog = ana.getByRole('dialog')
    await dialog.waitFor()
    await dialog.getByLabel('title becomes').fill('Buy rye rolls')
    await picture(page, 'playground-conflict')
    await dialog.getByText('As edited').click()
    await titled(ben, 'Buy rye rolls').waitFor()
    await titled(ana, 'Buy rye rolls').waitFor()
  })

  it('C9 E4 what the server refuses can be sent again', async () => {
    await ana.getByLabel('network').selectOption('server refuses writes')
    await add(ana, 'Refused')
    const letters = ana.getByLabel('Refused')
    await letters.waitFor()
    await ana.getByLabel('network').selectOption('works')
    await letters.getByText('Send again').click()
    await titled(ben, 'Refused').waitFor()
  })

  it('F2 the machines of the chosen device are beside it', async () => {
    await page.locator('#inspected').selectOption('ben')
    await page.locator('#inspector svg').first().waitFor()
    await picture(page, 'playground')
  })
})
