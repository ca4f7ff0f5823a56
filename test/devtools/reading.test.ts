import type { Page } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectTo } from '../../src/devtools/inspect-to.ts'
import { ClientError } from '../../src/index.ts'
import { executablePath } from '../support/chromium-app.ts'
import { createWorld, eventOf } from '../support/world.ts'
import { inspectorWorld, until, type InspectorWorld } from './inspector-world.ts'
import { goTo, lineShown, openTrace, TRACE } from './trace-in-page.ts'

let viewer: InspectorWorld
let page: Page
beforeEach(async () => {
  viewer = await inspectorWorld()
  page = await viewer.open()
})
afterEach(() => viewer.close())

const VIEWS = ['Timeline', 'Sequence', 'Queue', 'Conflicts', 'Metrics']
const tab = (name: string): Promise<void> => page.getByRole('tab', { name }).click()
const last = TRACE.findLastIndex(({ type }) => type === 'event')

/** How far anything is wider than the window, and whether it is scrolled sideways. */
const SIDEWAYS = `(() => {
  const roots = [document.documentElement, document.querySelector('.inspector-frame')]
  const over = roots.map((one) => one.scrollWidth - one.clientWidth)
  const parts = [...document.querySelectorAll('.glance, .controls, .tree, .chart, .views, footer, .tabs, .bands, .queue li')]
  const visible = parts.filter((one) => one.getBoundingClientRect().width > 0)
  return Math.max(...over, ...visible.map((one) => one.getBoundingClientRect().right - innerWidth))
})()`

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('who reads in the inspector', () => {
  it('F2 has a window of 480 px or more: nothing is cut off at its side, and the drawing is in sight', async () => {
    await openTrace(page)
    for (const [width, height] of [
      [480, 800],
      [700, 800],
      [961, 700],
      [1100, 800],
    ] as const) {
      await page.setViewportSize({ width, height })
      for (const name of VIEWS) {
        await tab(name)
        await lineShown(page)
        expect([width, name, await page.evaluate(SIDEWAYS)]).toEqual([width, name, 0])
      }
      const { top, bottom } = await page.evaluate<DOMRect>(`document.querySelector('.canvas').getBoundingClientRect().toJSON()`)
      expect(Math.min(bottom, height) - top).toBeGreaterThan(150)
      const tops = await page.evaluate<number[]>(`[...document.querySelectorAll('[role=tab]')].map((one) => one.offsetTop)`)
      expect(new Set(tops).size).toBe(1)
    }
  })

  it('F2 sees the current message with who sent and who got it, however many columns there are', async () => {
    await openTrace(page)
    await page.setViewportSize({ width: 1100, height: 700 })
    await tab('Sequence')
    await goTo(page, last)
    await until(page, `document.querySelector('.message.current title')?.textContent === 'LAST'`)
    const { heads, isSeen } = await page.evaluate<{ heads: string[]; isSeen: boolean }>(`(() => {
      const pane = document.querySelector('.sequence').getBoundingClientRect()
      const arrow = document.querySelector('.message.current path').getBoundingClientRect()
      return {
        heads: [...document.querySelectorAll('.sequence .head title')].map((one) => one.textContent),
        isSeen: arrow.left >= pane.left && arrow.right <= pane.right && arrow.bottom <= pane.bottom && arrow.top >= pane.top,
      }
    })()`)
    expect(heads.length).toBeGreaterThanOrEqual(10)
    expect(heads).toContain('engine or app')
    expect(heads).toContain('desk lock · following')
    expect(isSeen).toBe(true)
  })

  it('F2 reads in the queue of a trace what became of each operation, on which engine, and what waits for somebody', async () => {
    await openTrace(page)
    await tab('Queue')
    await goTo(page, TRACE.length - 1)
    await lineShown(page)
    const entries = await page.locator('.queue li').allInnerTexts()
    expect(entries.map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
      'update note o2 phone rejected · 1 attempt · last error client',
      'update note o1 desk done · 1 attempt',
    ])
    expect(await page.locator('.queue').innerText()).toContain('1 rejected or parked')
  })

  it('F2 reads in the queue of an engine which operations were rejected, and why', async () => {
    const world = await createWorld()
    const engine = await world.started({ recorder: {} })
    const stop = inspectTo(engine, { url: viewer.inspector.url, name: 'notes' })
    world.intercept(async () => ({ type: 'rejected', definite: true, error: new ClientError('No.', { status: 422 }) }))
    await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} })
    await eventOf(engine, 'sync:failed')
    await tab('Queue')
    await until(page, `document.querySelector('.queue').innerText.includes('Rejected: 1 for somebody')`)
    expect((await page.locator('.queue ol li').first().innerText()).replaceAll(/\s+/g, ' ')).toMatch(
      /^note\/n1 create \S+ rejected · 1 attempt · last error client/,
    )
    stop()
    await world.close()
  })

  it('F2 knows whose machines the metrics, the tree and the top tell of', async () => {
    await openTrace(page)
    await goTo(page, last)
    await tab('Metrics')
    await lineShown(page)
    expect(await page.locator('.bands span:nth-child(3n+1)').allInnerTexts()).toEqual(
      ['desk', 'phone'].flatMap((engine) => ['engine', 'breaker', 'lock', 'connectivity'].map((one) => `${engine} ${one}`)),
    )
    expect(await page.locator('.glance li').first().innerText()).toBe('engine phone running.owning.draining: sends what it can')
    expect(await page.locator('.tree .name').allInnerTexts()).toContain('lock · following')
    expect(await page.locator('.tree h3').allInnerTexts()).toEqual(['desk', 'phone'])
  })

  it('F2 is told when a search finds nothing, and reads the whole of the chosen line', async () => {
    await openTrace(page)
    await page.getByLabel('Search the timeline').fill('nowhere')
    await until(page, `document.querySelector('.count').innerText === 'nothing found'`)
    await page.getByLabel('Search the timeline').fill('')
    await goTo(
      page,
      TRACE.findIndex((line) => line.type === 'notice' && line.event === 'sync:failed'),
    )
    await lineShown(page)
    expect(await page.getByLabel('The chosen line').innerText()).toBe(
      'sync:failed operation=o2 status=rejected attempts=1 type=update entity=note',
    )
  })
})
