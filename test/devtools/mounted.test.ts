import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Page } from 'playwright'
import { seededRandom } from '../../scripts/random.mjs'
import type { TraceLine, TraceValue } from '../../src/core/trace.ts'
import { activeStates } from '../../visualizations/inspector/moment.ts'
import { executablePath, openChromiumApp, type ChromiumApp } from '../support/chromium-app.ts'
import { differenceAt } from './inspector-world.ts'
import type { Instant } from './instants.ts'

let app: ChromiumApp
beforeEach(async () => {
  app = await openChromiumApp(['inspector/page.ts'])
})
afterEach(() => app.close())

/** What is lit up for each machine that is there, and what its actor says at the same instant. */
const COMPARED = `(async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  const compared = []
  const actors = [...document.querySelectorAll('.inspector [data-actor]')].map(({ dataset }) => dataset.actor)
  for (const actor of actors) {
    document.querySelector('.inspector [data-actor="' + actor + '"]').click()
    await frame()
    const lit = [...document.querySelectorAll('.inspector .chart .active')].map(({ id }) => id.slice('state:'.length)).toSorted()
    if (lit.length > 0) compared.push(lit)
  }
  return { compared, values: values() }
})()`

interface Compared {
  readonly compared: readonly (readonly string[])[]
  readonly values: readonly (readonly [string, TraceValue])[]
}

/** What the page shows otherwise than the actors are. */
async function differenceIn(page: Page): Promise<readonly string[]> {
  const { compared, values } = await page.evaluate<Compared>(COMPARED)
  const shown = compared.map(String)
  const expected = values.map(([machine, value]) => activeStates(machine, value).toSorted().join())
  expect(compared.length).toBeGreaterThanOrEqual(5)
  return [...shown.filter((one) => !expected.includes(one)), ...expected.filter((one) => !shown.includes(one))]
}

const settled = (page: Page): Promise<unknown> =>
  page.waitForFunction(`document.querySelector('.glance')?.innerText.includes('in play 0')`)

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('the inspector within the page of an application', () => {
  it('F2 shows the states that the actors are in, each time that the engine has come to rest, and payloads as text', async () => {
    const page = await app.open()
    for (let i = 0; i < 5; i++) {
      expect(await page.evaluate(`save('n${i}', { title: '<img id="pwned" src=x>' })`)).toBe('done')
      await page.evaluate(i % 2 === 0 ? `engine.pause('test')` : `engine.resume('test')`)
      if (i % 2 === 0) await page.waitForFunction(`document.querySelector('.glance').innerText.includes('paused')`)
      else await settled(page)
      // The page draws when the browser lets it.
      await expect.poll(() => differenceIn(page)).toEqual([])
      if (i % 2 === 0) await page.evaluate(`engine.resume('test')`)
    }
    expect(await page.evaluate(`document.querySelectorAll('#pwned').length`)).toBe(0)
  })

  it('F2 lights up, at 100 random instants of its life, the states that the actors themselves said', async () => {
    const page = await app.open({ seed: '11' })
    await page.setViewportSize({ width: 1400, height: 900 })
    for (let i = 0; i < 12; i++) {
      const isLost = i % 4 === 1
      app.setReachable(!isLost)
      if (i % 5 === 3) await page.evaluate(`engine.pause('test')`)
      await page.evaluate(`begin('n${i}', ${isLost})`)
      app.setReachable(true)
      await page.evaluate(`engine.resume('test')`)
      expect(await page.evaluate('saved')).toBe('done')
    }
    const { instants, lines } = await page.evaluate<{ instants: readonly Instant[]; lines: readonly TraceLine[] }>('instants()')
    await page.waitForFunction(`Number(document.querySelector('.inspector input[type=range]').max) >= ${lines.length - 1}`)
    const random = seededRandom(11)
    const chosen = instants
      .map((instant) => [random(), instant] as const)
      .toSorted(([a], [b]) => a - b)
      .slice(0, 100)
    expect(chosen).toHaveLength(100)
    expect(new Set(chosen.map(([, { machine }]) => machine)).size).toBeGreaterThanOrEqual(5)
    const differing: unknown[] = []
    for (const [, instant] of chosen) differing.push(...[await differenceAt(page, instant, lines)].filter(Boolean))
    expect(differing).toEqual([])
  }, 90_000)

  it('F2 is readable in a light and in a dark scheme', async () => {
    const page = await app.open()
    await page.evaluate(`save('n1', {})`)
    await page.evaluate(`engine.pause('lunch')`)
    await page.evaluate(`void save('n2', { title: 'waits' })`)
    await page.waitForSelector('.row[data-type=step]')
    const backgrounds = new Set<string>()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      for (const name of ['Sequence', 'Queue', 'Conflicts', 'Metrics', 'Timeline']) {
        await page.getByRole('tab', { name }).click()
        const { least, background } = await page.evaluate<{ least: number; background: string }>(CONTRAST)
        backgrounds.add(background)
        expect(least).toBeGreaterThanOrEqual(4.5)
      }
    }
    expect(backgrounds.size).toBe(2)
  })

  it('F2 leaves an element as it was where the engine records nothing, and says so', async () => {
    const page = await app.open()
    expect(await page.evaluate('mountUnrecorded()')).toBe('not-recording: <p>own</p>, 1 sheet')
  })

  it('F2 says what is wrong with an element that the page does not have', async () => {
    const page = await app.open()
    for (const none of ['null', 'undefined', '{}', '"#inspector"'])
      expect(await page.evaluate(`wrongIn(() => mountInspector(engine, ${none}))`)).toMatch(/^element: must be an element/)
  })

  it('F2 fits a narrow place in a wide window', async () => {
    const page = await app.open()
    await page.waitForSelector('.row[data-type=step]')
    await page.evaluate(`document.querySelector('.inspector-frame').parentElement.style.width = '500px'`)
    for (const name of ['Timeline', 'Sequence', 'Queue', 'Conflicts', 'Metrics']) {
      await page.getByRole('tab', { name }).click()
      const [wide, below] = await page.evaluate<number[]>(`(() => {
        const frame = document.querySelector('.inspector-frame')
        const [chart, views] = ['.chart', '.views'].map((one) => document.querySelector(one).getBoundingClientRect())
        return [frame.scrollWidth - frame.clientWidth, views.top - chart.bottom]
      })()`)
      expect(wide).toBe(0)
      expect(below).toBeGreaterThanOrEqual(0)
    }
  })

  it('F2 leaves nothing behind when it is closed', async () => {
    const page = await app.open()
    await page.waitForSelector('.inspector')
    await page.evaluate('close()')
    expect(await page.evaluate(`[document.querySelectorAll('.inspector').length, document.adoptedStyleSheets.length]`)).toEqual([
      0, 0,
    ])
    expect(await page.evaluate(`save('n9', {})`)).toBe('done')
  })
})

/** The least contrast (WCAG 2) of a text with what is behind it. */
const CONTRAST = `(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number)
  const light = ([r, g, b]) => [r, g, b].map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, one, i) => sum + one * [0.2126, 0.7152, 0.0722][i], 0)
  const behind = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const colour = channels(getComputedStyle(one).backgroundColor)
      if (colour.length === 3 || colour[3] === 1) return colour
    }
    return [255, 255, 255]
  }
  const texts = [...document.querySelectorAll('.inspector *')].filter((one) => !(one instanceof SVGElement) && [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim() !== ''))
  const ratios = texts.map((one) => {
    const [a, b] = [light(channels(getComputedStyle(one).color)), light(behind(one))]
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
  })
  return { least: Math.min(...ratios), background: getComputedStyle(document.querySelector('.inspector')).backgroundColor }
})()`
