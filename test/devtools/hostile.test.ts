import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectTo } from '../../src/devtools/inspect-to.ts'
import { executablePath } from '../support/chromium-app.ts'
import { serveOnLoopback } from '../support/loopback.ts'
import { createWorld, type World } from '../support/world.ts'
import { inspectorWorld, until, type InspectorWorld } from './inspector-world.ts'

let world: World
let viewer: InspectorWorld
let evil: { url: string; close: () => Promise<void> }
beforeEach(async () => {
  world = await createWorld()
  viewer = await inspectorWorld()
  evil = await serveOnLoopback((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title>'),
  )
})
afterEach(async () => {
  await evil.close()
  await world.close()
  await viewer.close()
})

/** Tries what a page can: sockets, requests, a script, a frame; and says what came of each. */
const ATTACK = `(async (url) => {
  const socket = (path) => new Promise((done) => {
    const one = new WebSocket(url.replace('http', 'ws') + path, 'synchart.1')
    one.onopen = () => done('open')
    one.onclose = () => done('closed')
  })
  const loaded = (tag, name, value) => new Promise((done) => {
    const one = document.createElement(tag)
    one.onload = () => done(tag === 'iframe' ? (one.contentDocument === null ? 'nothing to read' : 'read') : 'loaded')
    one.onerror = () => done('refused')
    one[name] = value
    document.body.append(one)
  })
  return {
    page: await socket('page'),
    engine: await socket('engine'),
    read: await fetch(url).then((answer) => answer.text(), () => 'refused'),
    opaque: await fetch(url, { mode: 'no-cors' }).then(() => 'answered', () => 'refused'),
    script: await loaded('script', 'src', url + 'page.js'),
    frame: await loaded('iframe', 'src', url),
  }
})`

function statusOf(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('a hostile page', () => {
  it('F2 of another origin can neither connect nor read, even if it knew the token', async () => {
    const engine = await world.started({ recorder: {} })
    const stop = inspectTo(engine, { url: viewer.inspector.url })
    const page = await viewer.open()
    await until(page, `document.querySelector('.tree [data-actor]')`)
    const attacker = await viewer.context.newPage()
    await attacker.goto(evil.url)
    const { origin } = new URL(viewer.inspector.url)
    const refused = {
      page: 'closed',
      engine: 'closed',
      read: 'refused',
      opaque: 'refused',
      script: 'refused',
      frame: 'nothing to read',
    }
    for (const url of [viewer.inspector.url, `${origin}/`, `${origin}/guessed/`])
      expect(await attacker.evaluate(`${ATTACK}(${JSON.stringify(url)})`)).toEqual(refused)
    expect(await page.locator('.message-bar').innerText()).toBe('engine is connected.')
    stop()
  }, 60_000)

  it('F2 that calls this machine by a name of its own, or guesses a token, gets nothing', async () => {
    const { url } = viewer.inspector
    const { origin, host, port } = new URL(url)
    expect(await statusOf(url, { host })).toBe(200)
    expect(await statusOf(url, { host: `localhost:${port}` })).toBe(200)
    expect(await statusOf(url, { host: `rebound.example.org:${port}` })).toBe(404)
    for (const path of ['/', '/page.js', `${url.slice(origin.length, -3)}/`])
      expect(await statusOf(`${origin}${path}`, {})).toBe(404)
  })
})
