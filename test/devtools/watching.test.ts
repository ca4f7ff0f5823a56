import type { Page } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { executablePath } from '../support/chromium-app.ts'
import { inspectorWorld, until, type InspectorWorld } from './inspector-world.ts'
import { goTo, lineShown, openTrace, TRACE } from './trace-in-page.ts'

let viewer: InspectorWorld
let page: Page
beforeEach(async () => {
  viewer = await inspectorWorld()
  page = await viewer.open()
  await openTrace(page)
})
afterEach(() => viewer.close())

/** Gathers, frame by frame, whose parts of the drawing glow, and how. */
const GATHER = `(() => {
  globalThis.glowing = new Set()
  globalThis.easings = new Set()
  const look = () => {
    for (const { id, effect } of document.getAnimations()) {
      if (id !== 'glow') continue
      const part = effect.target.closest('[id]') ?? effect.target.closest('.edge').querySelector('[id^="transition:"]')
      glowing.add(part.id)
      easings.add(effect.getTiming().easing + ' ' + effect.getTiming().duration)
    }
    requestAnimationFrame(look)
  }
  look()
})()`

/** Plays from before the first operation, so fast that it is over between two frames. */
async function playPastTheFirst(): Promise<readonly string[]> {
  await page.evaluate(GATHER)
  await goTo(
    page,
    TRACE.findIndex(({ type }) => type === 'notice'),
  )
  await page.locator('[data-actor="e1:slot-1"]').click()
  await page.getByLabel('Speed').fill('1000000')
  await page.getByLabel('Play or pause').click()
  await until(page, `Number(document.querySelector('.inspector').dataset.at) === ${TRACE.length - 1} && glowing.size >= 4`)
  return page.evaluate<string[]>('[...glowing].toSorted()')
}

/** What is drawn: whose chart, and what is lit up in it. */
const drawn = (): Promise<string> =>
  page.evaluate(
    `document.querySelector('.chart h2').innerText + ': ' + [...document.querySelectorAll('.canvas .active, .canvas .taken')].map(({ id }) => id).toSorted().join()`,
  )

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('who watches the inspector', () => {
  it('F2 sees all states and transitions that were passed between two frames glow, and fade', async () => {
    expect(await playPastTheFirst()).toEqual([
      'state:operation.recording',
      'state:operation.sending',
      'transition:operation.idle:ASSIGN:0',
      'transition:operation.sending:OUTCOME:0',
    ])
    expect(await page.evaluate('[...easings]')).toEqual(['ease-in 600'])
    await until(page, 'document.getAnimations().length === 0')
    expect(await page.evaluate(`document.querySelectorAll('.canvas .taken').length`)).toBe(1)
  })

  it('F2 sees them without a movement where that is preferred', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    expect(await playPastTheFirst()).toContain('state:operation.sending')
    expect(await page.evaluate('[...easings]')).toEqual(['steps(1) 600'])
  })

  it('F2 sees nothing glow of what a jump has left out', async () => {
    await page.evaluate(GATHER)
    await goTo(page, 0)
    await lineShown(page)
    await goTo(page, TRACE.length - 1)
    await lineShown(page)
    expect(await page.evaluate('glowing.size')).toBe(0)
  })

  it('F2 is shown, with Follow on, who took the last transition before a line, however one came there', async () => {
    const lines = TRACE.map((_, at) => at)
    const stepped = new Map<number, string>()
    await page.keyboard.press('Home')
    for (const at of lines) {
      expect(await lineShown(page)).toBe(at)
      stepped.set(at, await drawn())
      await page.keyboard.press('ArrowRight')
    }
    expect(new Set([...stepped.values()].map((text) => text.split(':')[0]))).toEqual(
      new Set(['desk engine', 'phone engine', 'desk slot-1', 'phone slot-1', 'desk breaker', 'phone lock']),
    )
    for (const at of lines.toSorted((a, b) => (a % 7) - (b % 7) || b - a)) {
      await goTo(page, at)
      await lineShown(page)
      expect([at, await drawn()]).toEqual([at, stepped.get(at)])
    }
    const begin = lines.findLast((at) => TRACE[at]?.type === 'event') ?? 0
    await goTo(page, begin)
    await page.getByLabel('Speed').fill('0.1')
    await page.keyboard.press('Escape')
    await page.getByLabel('Play or pause').click()
    await until(page, `Number(document.querySelector('.inspector').dataset.at) > ${begin}`)
    await page.getByLabel('Play or pause').click()
    const at = await lineShown(page)
    expect(await drawn()).toBe(stepped.get(at))
  })

  it('F2 does not wait where nothing happens for an hour, and is told what was skipped', async () => {
    await goTo(page, TRACE.length - 2)
    await page.getByLabel('Play or pause').click()
    await until(page, `document.querySelector('.where').innerText.includes('skips 60 min without a line')`)
    await until(page, `Number(document.querySelector('.inspector').dataset.at) === ${TRACE.length - 1}`)
    await lineShown(page)
    expect(await page.locator('.where').innerText()).not.toContain('skips')
  })
})
