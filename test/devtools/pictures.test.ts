import type { Page } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectTo } from '../../src/devtools/inspect-to.ts'
import type { SyncEngine } from '../../src/index.ts'
import { executablePath } from '../support/chromium-app.ts'
import { elsewhere } from '../support/other-client.ts'
import { picture } from '../support/pictures.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'
import { inspectorWorld, until, type InspectorWorld } from './inspector-world.ts'

let world: World
let viewer: InspectorWorld
beforeEach(async () => {
  world = await createWorld()
  viewer = await inspectorWorld()
})
afterEach(async () => {
  await world.close()
  await viewer.close()
})

const view = (page: Page, name: string): Promise<void> => page.getByRole('tab', { name }).click()
const choose = (page: Page, actor: string): Promise<void> =>
  page.locator('.tree [data-actor]', { hasText: actor }).first().click()
const frames = (page: Page): Promise<unknown> =>
  page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')

/** What can't be read at this size: a page that is wider than the window, a drawing or a view that is cut off, text that is too small, heads that overlap. */
async function unreadable(page: Page): Promise<readonly string[]> {
  await frames(page)
  return page.evaluate<readonly string[]>(UNREADABLE)
}

const LEAST_TEXT_PX = 9
const UNREADABLE = `(() => {
  const wrong = []
  const root = document.documentElement
  if (root.scrollWidth > root.clientWidth || root.scrollHeight > root.clientHeight) wrong.push('the page is larger than the window')
  const canvas = document.querySelector('.canvas')
  if (canvas.scrollWidth > canvas.clientWidth) wrong.push('the chart is cut off')
  const drawing = canvas.querySelector('svg')
  if (drawing !== null) {
    const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width
    const sizes = [...drawing.querySelectorAll('text')].map((one) => parseFloat(getComputedStyle(one).fontSize) * scale)
    if (Math.min(...sizes) < ${LEAST_TEXT_PX}) wrong.push('text of ' + Math.min(...sizes) + ' px')
    const pane = canvas.getBoundingClientRect()
    const active = [...drawing.querySelectorAll('.active')]
    const inner = active.filter((one) => !active.some((other) => other.id.startsWith(one.id + '.')))
    const seen = inner.every((one) => {
      const { top, bottom } = one.getBoundingClientRect()
      return top >= pane.top && bottom <= pane.bottom
    })
    if (!seen) wrong.push('the active state is out of sight')
  }
  for (const section of document.querySelectorAll('.views section'))
    if (!section.hidden && section.scrollWidth > section.clientWidth + 1) wrong.push(section.className + ' is cut off')
  const heads = [...document.querySelectorAll('.sequence .head')].map((one) => one.getBoundingClientRect())
  if (heads.some(({ right }, index) => (heads[index + 2]?.left ?? Infinity) < right)) wrong.push('heads overlap')
  return wrong
})()`

/** Writes of which some are lost, some meet another one's change, and one is refused. */
async function aDay(engine: SyncEngine): Promise<void> {
  const settled = async (type: 'create' | 'update', id: string, payload: object): Promise<unknown> =>
    (await engine.enqueue({ type, entity: 'note', id, payload })).settled
  world.intercept(async (_, send, count) => {
    if (count % 4 === 0) throw new Error('lost')
    return send()
  })
  for (const id of ['groceries', 'holiday', 'reading', 'garden']) await settled('create', id, { title: `My ${id}`, done: false })
  for (const id of ['groceries', 'holiday', 'reading']) await settled('update', id, { done: true })
}

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('the inspector in a window of 1400 by 900', () => {
  it('F2 shows every statechart and every view so that it can be read, in a light and in a dark scheme', async () => {
    const page = await viewer.open()
    const engine = await world.started({
      recorder: {},
      retry: { strategy: 'constant', baseMs: 60 },
      entities: { note: { conflict: 'manual' } },
      breaker: {},
      lock: { heartbeatMs: 1_000, staleMs: 10_000, pollMs: 50 },
    })
    const stop = inspectTo(engine, { url: viewer.inspector.url, name: 'notes' })
    await aDay(engine)
    await until(page, `document.querySelector('[id="state:operation.idle"].active') !== null`)
    expect(await unreadable(page)).toEqual([])
    await picture(page, 'inspector-timeline')
    await view(page, 'Sequence')
    await choose(page, 'breaker')
    await picture(page, 'inspector-sequence')
    expect(await unreadable(page)).toEqual([])

    expect(await elsewhere(world, 'PATCH', '/note/holiday', { title: 'Their holiday' })).toBe(200)
    await engine.enqueue({ type: 'update', entity: 'note', id: 'holiday', payload: { title: 'Our holiday' } })
    await eventOf(engine, 'conflict:detected')
    await view(page, 'Conflicts')
    await page.getByLabel('Draw who is at work (F)').click()
    await until(page, `document.querySelector('.conflicts details') !== null`)
    expect(await unreadable(page)).toEqual([])
    await picture(page, 'inspector-conflicts')

    world.intercept(async () => {
      throw new Error('down')
    })
    for (let i = 0; i < 12; i++)
      await engine.enqueue({ type: 'create', entity: 'note', id: `task-${i}`, payload: { title: `Task ${i}`, done: false } })
    await eventOf(engine, 'breaker:opened')
    await until(page, `document.querySelector('.glance').innerText.includes('breaker-open')`)
    await view(page, 'Queue')
    await choose(page, 'engine')
    await until(page, `document.querySelectorAll('.queue ol li').length > 10`)
    expect(await unreadable(page)).toEqual([])
    await picture(page, 'inspector-queue')

    await page.emulateMedia({ colorScheme: 'dark' })
    await view(page, 'Metrics')
    await choose(page, 'breaker')
    await until(page, `document.querySelector('.metrics').innerText.includes('breaker-open')`)
    await until(page, `document.querySelectorAll('.bands svg').length >= 4`)
    expect(await unreadable(page)).toEqual([])
    await picture(page, 'inspector-metrics-dark')

    await view(page, 'Timeline')
    await page.getByLabel('Search the timeline').fill('OUTCOME ⇒')
    await page.getByLabel('Timeline; arrow keys').focus()
    await page.getByLabel('Draw who is at work (F)').click()
    await page.locator('.row[data-type=step]').nth(2).click()
    await until(page, `document.querySelector('.taken') !== null`)
    expect(await unreadable(page)).toEqual([])
    await picture(page, 'inspector-time-travel-dark')
    for (const machine of ['engine', 'lock', 'breaker', 'connectivity', 'pull']) {
      await choose(page, machine)
      expect([machine, await unreadable(page)]).toEqual([machine, []])
    }
    expect(viewer.frames.filter((one) => one.startsWith('PAGE ERROR'))).toEqual([])
    stop()
  }, 90_000)
})
