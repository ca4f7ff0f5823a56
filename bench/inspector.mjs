// Whether the inspector's page answers while an engine tells it thousands of lines a second: the real command, socket and Chromium.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { findChromium } from '../scripts/chromium.mjs'

const TABS = ['Timeline', 'Sequence', 'Queue', 'Conflicts', 'Metrics']
const CLICK_EVERY_MS = 150
const MEGABYTE = 1_048_576

/** From when a click arrived in the browser to when the frame after it was drawn, and every task of more than 50 ms. */
const OBSERVER = `
globalThis.clicks = []
globalThis.longTasks = []
document.addEventListener('click', ({ timeStamp }) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => clicks.push(performance.now() - timeStamp)
  port2.postMessage(0)
}), true)
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })`

export async function benchInspector(seconds, linesPerSecond) {
  const executablePath = findChromium()
  if (!executablePath) throw new Error('There is no Chromium here: install one, or name it in SYNCHART_CHROMIUM.')
  const inspector = await started('../dist/src/cli/main.js', ['inspect', '--port', '0'])
  const [url] = /http:\S+/.exec(inspector.line)
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await (await browser.newContext({ viewport: { width: 1400, height: 900 } })).newPage()
    const cdp = await page.context().newCDPSession(page)
    await page.goto(url)
    await page.evaluate(OBSERVER)
    const load = await started('inspector-load.mjs', [url, String(linesPerSecond), String(seconds)])
    await page.waitForSelector('.tree [data-actor]')
    const [heapBefore, countBefore, since] = [await heapOf(cdp), await countOf(page), performance.now()]
    const most = await useIt(page, since + seconds * 1_000)
    const arrived = ((await countOf(page)) - countBefore) / ((performance.now() - since) / 1_000)
    const told = JSON.parse((await load.next()) ?? '{}')
    await load.stop()
    const { clicks, longTasks } = await page.evaluate('({ clicks, longTasks })')
    return results({ arrived, told, clicks, longTasks, most, heaps: [heapBefore, await heapOf(cdp)], left: await leftOut(page) })
  } finally {
    await browser.close()
    await inspector.stop()
  }
}

/** Somebody who looks at everything: tabs, actors, and lines of the timeline. Gives the most rows that there were in the page. */
async function useIt(page, until) {
  let most = 0
  for (let round = 0; performance.now() < until; round++) {
    await page.getByRole('tab', { name: TABS[round % TABS.length] }).click()
    await page.waitForTimeout(CLICK_EVERY_MS)
    if (round % TABS.length === 0) await page.locator('.timeline .list').click({ position: { x: 40, y: 120 } })
    await page.waitForTimeout(CLICK_EVERY_MS)
    await page.locator('[aria-label^="Newest"]').click()
    most = Math.max(most, await page.locator('.inspector .row, .inspector tr').count())
  }
  return most
}

function results({ arrived, told, clicks, longTasks, most, heaps, left }) {
  const sorted = clicks.toSorted((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  const engine = `the engine recorded ${Math.round(told.lines / told.seconds)} a second, for ${told.seconds.toFixed(0)} s`
  return [
    { what: 'lines that reached the page, a second', value: arrived, unit: '', limit: 5_000, atLeast: true, detail: engine },
    { what: 'lines that were left out', value: left, unit: '', limit: 0 },
    {
      what: 'from a click to the next frame, p99',
      value: at(0.99),
      unit: 'ms',
      limit: 200,
      detail: `of ${sorted.length}; p50 ${at(0.5).toFixed(0)} ms`,
    },
    {
      what: 'the longest task',
      value: Math.max(0, ...longTasks),
      unit: 'ms',
      limit: 250,
      detail: `${longTasks.length} of more than 50 ms`,
    },
    {
      what: 'JS heap at the end',
      value: heaps[1] / MEGABYTE,
      unit: 'MB',
      limit: 160,
      detail: `${(heaps[0] / MEGABYTE).toFixed(0)} MB at the beginning`,
    },
    { what: 'rows in the page, at most', value: most, unit: '', limit: 250 },
  ]
}

/** How many lines there ever were. */
const countOf = (page) => page.evaluate(`Number(document.querySelector('.inspector input[type=range]').max) + 1`)

const leftOut = (page) => page.evaluate(`Number(document.querySelector('.inspector').dataset.leftOut ?? 0)`)

async function heapOf(cdp) {
  await cdp.send('HeapProfiler.collectGarbage')
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  return usedSize
}

async function started(file, args) {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value
  return {
    line: await next(),
    next,
    async stop() {
      if (child.exitCode !== null) return
      child.kill()
      await once(child, 'exit')
    },
  }
}
