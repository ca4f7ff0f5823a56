// How long a store is without an owner when the owner's tab is closed: real tabs of a real Chromium.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright'
import { findChromium } from '../scripts/chromium.mjs'

const TAB = `
import { createSyncEngine } from './src/index.js'
import { indexedDbStorage } from './src/adapters/indexeddb/index.js'
const transport = { prepare: () => ({ method: 'POST', path: '/', headers: {}, body: null }), send: async () => ({ type: 'applied' }), fetch: async () => ({ type: 'absent' }) }
const engine = createSyncEngine({ storage: indexedDbStorage({ name: 'notes' }), transport, entities: { note: {} } })
const now = () => performance.timeOrigin + performance.now()
engine.on('lock:acquired', () => (globalThis.ownsSince = now()))
addEventListener('pagehide', () => globalThis.ownsSince && localStorage.setItem('leftAt', String(now())))
await engine.start()
globalThis.isReady = true
`

export async function benchHandover(rounds) {
  const executablePath = findChromium()
  if (!executablePath) throw new Error('There is no Chromium here: install one, or name it in SYNCHART_CHROMIUM.')
  const web = await serve()
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const context = await browser.newContext()
    const open = () => openTab(context, `http://127.0.0.1:${web.address().port}`)
    const times = []
    let owner = await open()
    await owner.waitForFunction('globalThis.ownsSince > 0')
    for (let round = 0; round < rounds; round++) {
      const next = await open()
      await owner.close()
      await next.waitForFunction('globalThis.ownsSince > 0')
      times.push(await next.evaluate(`ownsSince - Number(localStorage.getItem('leftAt'))`))
      owner = next
    }
    return results(times.toSorted((a, b) => a - b))
  } finally {
    await browser.close()
    web.close()
  }
}

function results(sorted) {
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  const detail = `of ${sorted.length}; p50 ${at(0.5).toFixed(1)} ms, most ${sorted.at(-1).toFixed(1)} ms`
  return [{ what: 'from the end of a tab to the next owner, p95', value: at(0.95), unit: 'ms', limit: 100, detail }]
}

async function openTab(context, url) {
  const page = await context.newPage()
  await page.goto(url)
  await page.waitForFunction('globalThis.isReady === true')
  return page
}

async function serve() {
  const { outputFiles } = await build({
    stdin: { contents: TAB, resolveDir: fileURLToPath(new URL('../dist', import.meta.url)) },
    bundle: true,
    format: 'esm',
    write: false,
  })
  const web = createServer(({ url }, response) => {
    if (url === '/app.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(outputFiles[0].text)
    else response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><script type=module src=/app.js></script>')
  })
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  return web
}
