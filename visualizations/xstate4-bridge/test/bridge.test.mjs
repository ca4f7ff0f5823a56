import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright'
import { provideChromium } from '../../../scripts/chromium.mjs'
import * as machines from '../../../dist/machines/index.js'
import { serveDemo } from '../serve.mjs'

const CANARY = 'canary-91c4'
const TOKEN = 'token-of-the-demo'
const configs = Object.values(machines).flatMap(({ config }) => config ?? [])

/** In the viewer: the messages as they came. */
const LISTEN = `globalThis.messages = []; addEventListener('message', ({ data }) => messages.push(data))`

/** In the viewer: what is written there, as \`machine state\`. */
const SHOWN = `[...document.querySelectorAll('tr')].map((row) => row.querySelector('.machine').textContent + ' ' + row.querySelector('.state').textContent).toSorted()`

/** In the application: where the machines are by themselves. */
const ACTUAL = `[...actors].flatMap((actor) => {
  const { status, value, machine } = actor.getSnapshot()
  return status === 'active' && machine !== undefined ? [machine.id + ' ' + JSON.stringify(value)] : []
}).toSorted()`

/** In the application: two people change a note at the same time. */
const DISAGREE = `(async () => {
  const id = '${CANARY}-id'
  await (await engine.enqueue({ type: 'create', entity: 'note', id, payload: { title: '${CANARY}' } })).settled
  engine.pause('test')
  const { settled } = await engine.enqueue({ type: 'update', entity: 'note', id, payload: { title: '${CANARY} here' }, idempotencyKey: '${CANARY}' })
  const headers = { 'content-type': 'application/merge-patch+json', 'idempotency-key': '"' + crypto.randomUUID() + '"' }
  const url = new URLSearchParams(location.search).get('server') + '/note/' + id
  await fetch(url, { method: 'PATCH', headers, body: JSON.stringify({ title: '${CANARY} there' }) })
  const parked = new Promise((resolve) => engine.on('sync:parked', resolve))
  engine.resume('test')
  await parked
  const [conflict] = await engine.conflicts.list()
  await engine.conflicts.resolve(conflict.id, { value: { id, title: '${CANARY} both' } })
  return (await settled).status
})()`

let demo
let browser
let page
let viewer
const requested = []

before(async () => {
  demo = await serveDemo()
  browser = await chromium.launch({
    executablePath: provideChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  const context = await browser.newContext()
  context.on('request', (request) => void requested.push(request.url()))
  page = await context.newPage()
  page.on('websocket', (socket) => void requested.push(socket.url()))
  await page.addInitScript(LISTEN)
  await page.goto(demo.url())
  await page.waitForFunction('globalThis.isReady === true')
  viewer = await (await page.waitForSelector('iframe')).contentFrame()
  await viewer.waitForSelector('tr')
})
after(async () => {
  await browser?.close()
  await demo?.close()
})

test('F2 B17 shows every machine with its states and events, and no payload, id or token', async () => {
  assert.equal(await page.evaluate(DISAGREE), 'done')
  await page.evaluate('engine.synchronize()')
  await eventually(async () => assert.deepEqual(await viewer.evaluate(SHOWN), await page.evaluate(ACTUAL)))

  const messages = await viewer.evaluate('messages')
  for (const { id, states } of configs) {
    const registered = messages.filter(({ type, machine }) => type === 'service.register' && JSON.parse(machine).id === id)
    assert.deepEqual(Object.keys(JSON.parse(registered[0]?.machine ?? '{}').states ?? {}), Object.keys(states), `${id} is drawn`)
    const told = messages.filter(({ sessionId }) => registered.some((one) => one.sessionId === sessionId))
    assert.ok(
      told.some(({ type }) => type === 'service.event'),
      `events of ${id}`,
    )
    assert.ok(
      told.some(({ type }) => type === 'service.state'),
      `states of ${id}`,
    )
  }
  const outcomes = messages
    .flatMap(({ type, event }) => (type === 'service.event' ? [JSON.parse(event).data] : []))
    .filter(({ type }) => type === 'OUTCOME')
  assert.ok(outcomes.some(({ fields }) => fields.outcome === 'conflict'))
  const text = JSON.stringify(messages)
  assert.ok(!text.includes(CANARY) && !text.includes(TOKEN))
})

test('F2 tells a viewer that connects again of all that is there', async () => {
  await viewer.evaluate('location.reload()')
  await viewer.waitForSelector('tr')
  await eventually(async () => assert.deepEqual(await viewer.evaluate(SHOWN), await page.evaluate(ACTUAL)))
})

test('F2 lets nothing through that a viewer sends', async () => {
  await viewer.evaluate(`(() => {
    const of = messages.find(({ type, machine }) => type === 'service.register' && JSON.parse(machine).id === 'engine')
    const event = JSON.stringify({ name: 'PAUSE', type: 'external', $$type: 'scxml', origin: of.sessionId, data: { type: 'PAUSE', reason: 'viewer' } })
    parent.postMessage({ type: 'xstate.event', event, service: of.sessionId }, '*')
  })()`)
  await viewer.waitForFunction(`messages.some(({ type, event }) => type === 'service.event' && event.includes('viewer'))`)
  assert.equal(
    await page.evaluate(
      `engine.history().filter(({ type }) => type === 'engine:paused' ).filter(({ reason }) => reason === 'viewer').length`,
    ),
    0,
  )
})

test('F2 asks nothing of another machine', () => {
  assert.ok(requested.some((url) => url.endsWith('/viewer')) && requested.some((url) => url.startsWith('ws:')))
  assert.deepEqual(
    requested.filter((url) => new URL(url).hostname !== '127.0.0.1'),
    [],
  )
})

async function eventually(holds) {
  const end = performance.now() + 20_000
  for (;;) {
    try {
      return await holds()
    } catch (error) {
      if (performance.now() > end) throw error
      await page.evaluate('new Promise(requestAnimationFrame)')
    }
  }
}
