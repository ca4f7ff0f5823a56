import type { StatelyInspectionEvent } from '@statelyai/inspect'
import type { Frame, Page } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { attachInspector } from '../../src/devtools/stately/index.ts'
import { createSyncEngine, ValidationError } from '../../src/index.ts'
import * as machines from '../../machines/index.ts'
import { machinesIn } from '../../visualizations/generate/index.ts'
import { executablePath, openChromiumApp, type ChromiumApp } from '../support/chromium-app.ts'

const canary = 'canary-5e1d'

let app: ChromiumApp
let page: Page
let viewer: Frame
const requested: string[] = []

const received = (): Promise<readonly StatelyInspectionEvent[]> => viewer.evaluate('received')

const definitionsIn = (events: readonly StatelyInspectionEvent[]): ReadonlyMap<string, { readonly id: string }> =>
  new Map(events.flatMap((event) => (event.type === '@xstate.actor' ? [[event.sessionId, JSON.parse(event.definition!)]] : [])))

/** What the inspector is told waits for such a moment. */
const IDLE = 'new Promise((done) => requestIdleCallback(done))'

const PATIENTLY = { timeout: 20_000 }

/** Where machines are by themselves, or as the viewer was told, but not both. */
async function differenceFor(name: string): Promise<readonly string[]> {
  const actual = await page.evaluate<readonly string[]>('values()')
  const shown = await viewer.evaluate<readonly string[]>(`values('${name}')`)
  expect(actual.length).toBeGreaterThanOrEqual(5)
  return [...shown.filter((one) => !actual.includes(one)), ...actual.filter((one) => !shown.includes(one))]
}

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('@statelyai/inspect, attached to an engine', () => {
  beforeEach(async () => {
    requested.length = 0
    app = await openChromiumApp(['stately/page.ts', 'stately/viewer.ts'])
    app.context.on('request', (request) => void requested.push(request.url()))
    app.context.on('page', (opened) => void opened.on('websocket', (socket) => void requested.push(socket.url())))
    page = await app.open({ canary, server: app.serverUrl })
    viewer = await page.waitForSelector('iframe').then(async (element) => (await element.contentFrame())!)
    await viewer.waitForFunction('globalThis.received?.length > 0')
  })
  afterEach(() => app.close())

  it('F2 B17 is told of every machine with its drawing, events and states, and of no payload, id or token', async () => {
    expect(await page.evaluate('disagree()')).toBe('done')
    await page.evaluate('engine.synchronize()')
    await expect.poll(() => differenceFor('tab'), PATIENTLY).toEqual([])

    const events = await received()
    expect(JSON.stringify(events)).not.toContain(canary)
    const definitions = definitionsIn(events)
    for (const { id, config } of machinesIn(machines)) {
      const actors = [...definitions].filter(([, definition]) => definition.id === id).map(([actor]) => actor)
      expect(definitions.get(actors[0]!), id).toEqual(JSON.parse(JSON.stringify(config)))
      for (const type of ['@xstate.event', '@xstate.snapshot'])
        expect(events, `${type} of ${id}`).toContainEqual(expect.objectContaining({ type, sessionId: actors[0] }))
    }
    expect(events).toContainEqual(
      expect.objectContaining({
        type: '@xstate.event',
        event: expect.objectContaining({ type: 'OUTCOME', fields: expect.objectContaining({ outcome: 'conflict' }) }),
      }),
    )
    expect(requested).toContainEqual(expect.stringMatching(/\/viewer$/))
    expect(requested).toContainEqual(expect.stringMatching(/^ws:/))
    expect(requested.filter((url) => new URL(url).hostname !== '127.0.0.1')).toEqual([])
  })

  it('F2 is told nothing more once that was ended', async () => {
    await page.evaluate('end()')
    await page.evaluate(IDLE)
    const before = await received()
    expect(await page.evaluate('disagree()')).toBe('done')
    await page.evaluate(IDLE)
    expect(await received()).toEqual(before)
  })

  it('F2 begins with what is there, where it is attached late, under a name of its own', async () => {
    expect(await page.evaluate('disagree()')).toBe('done')
    await page.evaluate(`attach('again')`)
    await expect.poll(() => differenceFor('again'), PATIENTLY).toEqual([])
  })
})

it('F2 says what to do where nothing is recorded', () => {
  const storage = memoryStorage()
  const engine = createSyncEngine({
    storage,
    transport: httpTransport({ baseURL: 'http://127.0.0.1:1' }),
    entities: { note: {} },
  })
  expect(() => attachInspector(engine, { inspect: {} })).toThrow(/recorder: \{ maxBytes \}/)
  // @ts-expect-error As of an application without types.
  expect(() => attachInspector({}, { inspect: {} })).toThrow(ValidationError)
})

it('F2 says what is wrong with an inspector, options and a name that are none', () => {
  const engine = createSyncEngine({
    storage: memoryStorage(),
    transport: httpTransport({ baseURL: 'http://127.0.0.1:1' }),
    entities: { note: {} },
    recorder: {},
  })
  const attach: (...given: never[]) => unknown = attachInspector
  for (const [path, ...given] of [
    ['inspector'],
    ['inspector', {}],
    ['inspector', { inspect: 'all' }],
    ['options', { inspect: {} }, null],
    ['name', { inspect: {} }, { name: 7 }],
  ])
    expect(() => attach(engine as never, ...(given as never[]))).toThrow(
      expect.objectContaining({ name: 'ValidationError', path }),
    )
})
