import type { Page } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { inspectTo } from '../../src/devtools/inspect-to.ts'
import { ValidationError } from '../../src/index.ts'
import { executablePath } from '../support/chromium-app.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'
import { differenceAt, inspectorWorld, litAt, until, type InspectorWorld } from './inspector-world.ts'
import { watchInstants } from './instants.ts'

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

const shows = (page: Page, lines: number): Promise<void> =>
  until(page, `Number(document.querySelector('.inspector input[type=range]')?.max) >= ${lines - 1}`)

const tab = (page: Page, name: string): Promise<void> => page.getByRole('tab', { name }).click()

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('the inspector of an engine in another process', () => {
  it('F2 F3 lights up, at 100 instants of a live run, the states that the actors themselves said, and the transitions that led there', async () => {
    const watch = watchInstants()
    const engine = world.engine({
      recorder: { maxBytes: 16 * 1_048_576 },
      inspect: watch.inspect,
      retry: { strategy: 'constant', baseMs: 30 },
    })
    watch.follow(engine)
    const stop = inspectTo(engine, { url: viewer.inspector.url })
    const page = await viewer.open()
    engine.on('*', () => queueMicrotask(watch.take))
    world.intercept(async (_, send, count) => {
      if (count % 3 === 0) throw new Error('lost')
      return send()
    })
    await engine.start()
    for (let i = 0; i < 15; i++)
      await (
        await engine.enqueue({ type: 'create', entity: 'note', id: `n${i}`, payload: { i } })
      ).settled
    engine.pause('lunch')
    engine.resume('lunch')
    const { instants, lines } = watch
    await shows(page, lines.length)
    const every = Math.max(1, Math.floor(instants.length / 100))
    const chosen = instants.filter((_, index) => index % every === 0)
    expect(chosen.length).toBeGreaterThanOrEqual(100)
    expect(new Set(chosen.map(({ machine }) => machine)).size).toBeGreaterThanOrEqual(5)
    const differing: unknown[] = []
    // From the last to the first and back again: time travel in both directions.
    for (const instant of chosen.toSorted((a, b) => (a.line % 7) - (b.line % 7) || b.line - a.line))
      differing.push(...[await differenceAt(page, instant, lines, 'e1:')].filter(Boolean))
    expect(differing).toEqual([])
    stop()
  }, 120_000)

  it('F2 follows what happens, by itself and while nobody touches anything', async () => {
    const page = await viewer.open()
    const engine = await world.started({ recorder: {} })
    const stop = inspectTo(engine, { url: viewer.inspector.url })
    await page.waitForSelector('.tree [data-actor]')
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} })
    ).settled
    await page.waitForSelector('[id="state:operation.idle"].active')
    await page.waitForSelector('[id="transition:operation.recording:RECORDED:0"].taken')
    expect(await page.locator('.glance').innerText()).toContain('lock holding')
    engine.pause('lunch')
    await until(page, `document.querySelector('.glance').innerText.includes('paused')`)
    stop()
    await until(page, `document.querySelector('.message-bar').innerText.includes('has left')`)
    await until(page, `document.querySelectorAll('.tree [data-actor]').length === 0`)
  })

  it('F2 shows what is in the queue and why, as text, whatever it looks like, and no token anywhere', async () => {
    const page = await viewer.open()
    const canary = 'canary-9b22'
    const engine = await world.started({
      recorder: {},
      retry: { strategy: 'constant', baseMs: 60_000 },
      transport: httpTransport({ baseURL: world.url, auth: { token: async () => canary } }),
    })
    const stop = inspectTo(engine, { url: viewer.inspector.url, name: '<b id="pwned">name</b>' })
    world.intercept(async () => {
      throw new Error('down')
    })
    const evil = `<img src="x" onerror="globalThis.pwned = true"><script>globalThis.pwned = true</script>`
    await engine.enqueue({ type: 'create', entity: 'note', id: '<i id="pwned">id</i>', payload: { title: evil } })
    await eventOf(engine, 'sync:retry')
    await tab(page, 'Queue')
    await until(page, `document.querySelector('.queue').innerText.includes('<script>globalThis.pwned')`)
    const text = await page.locator('.queue').innerText()
    expect(text).toContain('waiting')
    expect(text).toContain('the next attempt')
    for (const name of ['Timeline', 'Sequence', 'Conflicts', 'Metrics']) await tab(page, name)
    expect(
      await page.evaluate(`[globalThis.pwned, document.querySelectorAll('#pwned, .inspector img, .inspector script').length]`),
    ).toEqual([undefined, 0])
    expect(viewer.frames.length).toBeGreaterThan(1)
    expect([...viewer.frames, await page.content(), engine.recorder.export()].filter((one) => one.includes(canary))).toEqual([])
    expect(viewer.frames.filter((one) => one.startsWith('PAGE ERROR'))).toEqual([])
    stop()
  })

  it('F2 takes a burst of 20,000 lines, keeps a hundred rows in the page, and still answers', async () => {
    const page = await viewer.open()
    const socket = new (await import('ws')).WebSocket(`${viewer.inspector.url.replace('http', 'ws')}engine`, ['synchart.1'])
    await new Promise((resolve) => socket.on('open', resolve))
    const tell = (lines: readonly object[]): void => socket.send(JSON.stringify({ type: 'lines', lines }))
    tell([{ type: 'actor', at: 1, actor: 'a1', name: 'slot-1', machine: 'operation' }])
    for (let bundle = 0; bundle < 40; bundle++)
      tell(
        Array.from({ length: 500 }, (_, i) => ({
          type: 'step',
          at: bundle * 100 + i / 5,
          actor: 'a1',
          event: `E${i}`,
          taken: ['operation.idle:ASSIGN:0'],
          value: i % 2 ? 'idle' : 'sending',
        })),
      )
    await shows(page, 20_001)
    await until(page, `document.querySelector('.count').innerText.startsWith('20,001')`)
    expect(await page.locator('.row').count()).toBeLessThan(100)
    await page.getByLabel('Search the timeline').fill('e499')
    await until(page, `document.querySelector('.count').innerText === '40 lines'`)
    socket.close()
  })

  it('F2 works on with the network cut off, has asked nobody but its own server, and can be used by the keyboard alone', async () => {
    const page = await viewer.open()
    const engine = await world.started({ recorder: {} })
    const stop = inspectTo(engine, { url: viewer.inspector.url })
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} })
    ).settled
    await shows(page, 60)
    stop()
    await viewer.inspector.close()
    await until(page, `document.querySelector('.message-bar').innerText.includes('has ended')`)
    await viewer.context.setOffline(true)
    const { origin } = new URL(viewer.inspector.url)
    expect(
      viewer.requested.filter((url) => !url.startsWith('data:')).map((url) => new URL(url.replace('ws:', 'http:')).origin),
    ).toEqual(Array.from({ length: viewer.requested.filter((url) => !url.startsWith('data:')).length }, () => origin))
    const at = (): Promise<number> =>
      page.evaluate(
        `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(Number(document.querySelector('.inspector').dataset.at)))))`,
      )
    const reached = new Set<string>()
    // At the newest line the engine has left, or not, by when the server was closed.
    await litAt(page, 50, 'e1:a1')
    await page.locator('body').press('Tab')
    for (let i = 0; i < 60; i++) {
      reached.add(
        await page.evaluate<string>(`(document.activeElement.ariaLabel ?? document.activeElement.innerText).split('\\n')[0]`),
      )
      if (i === 20) continue
      await page.keyboard.press('Tab')
    }
    for (const name of [
      'First line (Home)',
      'Play or pause (space)',
      'Speed',
      'Line of the trace',
      'Open a trace',
      'engine',
      'Statechart',
      'Timeline',
      'Search the timeline',
    ])
      expect([...reached]).toContain(name)
    await page.getByLabel('Timeline; arrow keys').focus()
    await page.keyboard.press('Home')
    expect(await at()).toBe(0)
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    expect(await at()).toBe(2)
    await page.keyboard.press('ArrowLeft')
    expect(await at()).toBe(1)
    await page.keyboard.press('Shift+ArrowRight')
    expect(await at()).toBeGreaterThan(1)
    expect(await page.locator('.row[aria-selected=true]').getAttribute('data-type')).toBe('step')
    await page.keyboard.press('End')
    await page.keyboard.press('Space')
    await until(page, `Number(document.querySelector('.inspector').dataset.at) > 20`)
    await page.keyboard.press('l')
    await until(page, `document.querySelector('[aria-label^="Newest"]').ariaPressed === 'true'`)
  }, 60_000)

  it('F2 inspects only where something is recorded, and only on this machine', async () => {
    const engine = await world.started()
    expect(() => inspectTo(engine, { url: viewer.inspector.url })).toThrow('recorder: { maxBytes }')
    const recorded = await world.started({ recorder: {} })
    for (const url of ['http://example.org/t/', 'https://127.0.0.1:1/t/', 'nowhere', 'http://127.0.0.1.example.org/'])
      expect(() => inspectTo(recorded, { url })).toThrow(ValidationError)
  })

  it('F2 takes no URL with credentials, which could end in logs, and repeats none of them', async () => {
    const engine = await world.started({ recorder: {} })
    for (const user of ['ann', 'ann:canary-77', ':canary-77']) {
      const url = viewer.inspector.url.replace('//', `//${user}@`)
      expect(() => inspectTo(engine, { url })).toThrow(/^url: (?!.*canary).*without credentials/)
    }
  })

  it('F2 says what is wrong where it is given no engine, or no options', async () => {
    const engine = await world.started({ recorder: {} })
    const { url } = viewer.inspector
    const inspect: (...given: never[]) => unknown = inspectTo
    for (const [path, ...given] of [
      ['engine', undefined, { url }],
      ['engine', {}, { url }],
      ['engine', { url }],
      ['options', engine],
      ['options', engine, url],
      ['url', engine, {}],
      ['name', engine, { url, name: 7 }],
    ])
      expect(() => inspect(...(given as never[]))).toThrow(expect.objectContaining({ name: 'ValidationError', path }))
  })
})
