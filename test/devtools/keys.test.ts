import type { Page } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { executablePath, openChromiumApp } from '../support/chromium-app.ts'
import { inspectorWorld, until, type InspectorWorld } from './inspector-world.ts'
import { goTo, lineShown, openTrace, TRACE } from './trace-in-page.ts'

let viewer: InspectorWorld
beforeEach(async () => {
  viewer = await inspectorWorld()
})
afterEach(() => viewer.close())

async function opened(): Promise<Page> {
  const page = await viewer.open()
  await openTrace(page)
  await page.evaluate('document.activeElement.blur()')
  return page
}

const isPlaying = (page: Page): Promise<boolean> =>
  page.evaluate(`document.querySelector('[aria-label^="Play"]').innerText === '❚❚'`)
const focused = (page: Page): Promise<string> =>
  page.evaluate(`(document.activeElement.ariaLabel ?? document.activeElement.innerText).split('\\n')[0]`)

async function after(page: Page, ...keys: readonly string[]): Promise<number> {
  for (const key of keys) await page.keyboard.press(key)
  return lineShown(page)
}

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('the keys of the inspector', () => {
  it('F2 work at once, while nothing has the focus, and can be read in the page', async () => {
    const page = await opened()
    expect(await page.evaluate('document.activeElement === document.body')).toBe(true)
    expect(await after(page, 'ArrowRight', 'ArrowRight')).toBe(2)
    expect(await after(page, 'ArrowLeft')).toBe(1)
    const next = TRACE.findIndex(({ type }, at) => at > 1 && type === 'step')
    expect(await after(page, 'Shift+ArrowRight')).toBe(next)
    expect(await after(page, 'End')).toBe(TRACE.length - 1)
    expect(await after(page, 'Home')).toBe(0)
    await page.getByLabel('Speed').fill('0.01')
    await page.evaluate('document.activeElement.blur()')
    await after(page, 'Space')
    expect(await isPlaying(page)).toBe(true)
    await after(page, 'Space')
    expect(await isPlaying(page)).toBe(false)
    expect(await page.locator('.keys').innerText()).toMatch(/space play or pause[^]*← → a line[^]*shift ← → a transition/)
  })

  it('F2 lead first to what plays', async () => {
    const page = await viewer.open()
    await page.waitForSelector('.controls')
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Play or pause (space)')
  })

  it('F2 are left to what has the focus and needs them: a text, the slider, a button, a box', async () => {
    const page = await opened()
    await page.getByLabel('Search the timeline').focus()
    expect(await after(page, 'ArrowRight', 'End', 'Space', 'l')).toBe(0)
    expect(await page.getByLabel('Search the timeline').inputValue()).toBe(' l')
    await page.getByLabel('Search the timeline').fill('')
    await page.getByLabel('Line of the trace').focus()
    expect(await after(page, 'ArrowRight')).toBe(1)
    await page.getByLabel('One line on').focus()
    expect(await after(page, 'Space')).toBe(2)
    expect(await after(page, 'Enter')).toBe(3)
    expect(await isPlaying(page)).toBe(false)
    expect(await after(page, 'ArrowLeft')).toBe(2)
    await page.getByLabel('events').focus()
    expect(await after(page, 'Space', 'ArrowRight')).toBe(3)
    expect(await page.getByLabel('events').isChecked()).toBe(false)
  })

  it('F2 move between tabs, and between actors of the tree, where these have the focus', async () => {
    const page = await opened()
    await goTo(page, 5)
    const tab = (name: string): Promise<string | null> => page.getByRole('tab', { name }).getAttribute('aria-selected')
    await page.getByRole('tab', { name: 'Timeline' }).focus()
    expect(await after(page, 'ArrowRight')).toBe(5)
    expect([await focused(page), await tab('Sequence')]).toEqual(['Sequence', 'true'])
    await after(page, 'ArrowLeft', 'ArrowLeft')
    expect([await focused(page), await tab('Metrics'), await page.locator('.metrics').isVisible()]).toEqual([
      'Metrics',
      'true',
      true,
    ])
    await after(page, 'ArrowRight')
    expect([await focused(page), await tab('Timeline'), await lineShown(page)]).toEqual(['Timeline', 'true', 5])
    expect(await after(page, 'Home')).toBe(0)
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Search the timeline')
    await goTo(page, TRACE.length - 1)
    await page.locator('.tree button').first().focus()
    expect(await after(page, 'ArrowDown', 'ArrowDown', 'ArrowUp')).toBe(TRACE.length - 1)
    expect(await focused(page)).toBe('breaker')
    await page.keyboard.press('Enter')
    await until(page, `document.querySelector('.tree [aria-current=true] .name')?.innerText === 'breaker'`)
    expect(await page.locator('.tree [aria-current=true]').count()).toBe(1)
  })

  it('F2 are those of the application around an inspector in its page until somebody turns to the inspector', async () => {
    const app = await openChromiumApp(['inspector/page.ts'])
    try {
      const page = await app.open()
      await page.waitForSelector('.row[data-type=step]')
      await page.evaluate(
        `globalThis.heard = []; addEventListener('keydown', (event) => heard.push([event.key, event.defaultPrevented]))`,
      )
      const isLive = (): Promise<unknown> => page.evaluate(`document.querySelector('[aria-label^="Newest"]').ariaPressed`)
      await after(page, 'ArrowLeft', 'Home', 'Space')
      expect(await isLive()).toBe('true')
      expect(await page.evaluate('heard')).toEqual([
        ['ArrowLeft', false],
        ['Home', false],
        [' ', false],
      ])
      await page.locator('.glance').click({ position: { x: 2, y: 2 } })
      expect(await after(page, 'Home')).toBe(0)
      expect(await isLive()).toBe('false')
      expect(await page.evaluate('heard.at(-1)')).toEqual(['Home', true])
    } finally {
      await app.close()
    }
  })
})
