import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright'
import { expect, vi } from 'vitest'
import { advance, type TracedActors, type TraceLine } from '../../src/core/trace.ts'
import { activeStates } from '../../visualizations/inspector/moment.ts'
import { executablePath } from '../support/chromium-app.ts'
import type { Instant } from './instants.ts'

/** The command itself, in a process of its own. */
export interface InspectServer {
  readonly url: string
  close(): Promise<void>
}

export interface InspectorWorld {
  readonly inspector: InspectServer
  readonly context: BrowserContext
  /** What pages asked for, and what came over their sockets. */
  readonly requested: readonly string[]
  readonly frames: readonly string[]
  open(): Promise<Page>
  close(): Promise<void>
}

const command = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

export async function startInspector(args: readonly string[]): Promise<InspectServer> {
  const child = spawn(process.execPath, [command, 'inspect', ...args, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  for await (const chunk of child.stdout) {
    text += String(chunk)
    if (text.endsWith('}\n')) break
  }
  const { url } = JSON.parse(text) as { url: string }
  return {
    url,
    async close() {
      if (child.exitCode !== null) return
      child.kill()
      await once(child, 'exit')
    },
  }
}

/** With arguments of the command, as the file of a trace. */
export async function inspectorWorld(...args: readonly string[]): Promise<InspectorWorld> {
  const inspector = await startInspector(args)
  const browser: Browser = await chromium.launch({
    executablePath: executablePath ?? '',
    args: ['--no-sandbox', '--disable-gpu'],
  })
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
  const requested: string[] = []
  const frames: string[] = []
  return {
    inspector,
    context,
    requested,
    frames,
    async open() {
      const page = await context.newPage()
      page.on('request', (request) => void requested.push(request.url()))
      page.on('websocket', (socket) => {
        requested.push(socket.url())
        socket.on('framereceived', ({ payload }) => void frames.push(String(payload)))
      })
      page.on('pageerror', (error) => void frames.push(`PAGE ERROR ${error.message}`))
      await page.goto(inspector.url)
      return page
    },
    async close() {
      await browser.close()
      await inspector.close()
    },
  }
}

/** Waits for a condition in the page. Its policy lets nobody evaluate text there, Playwright's own waiting included. */
export async function until(page: Page, condition: string): Promise<void> {
  await vi.waitFor(async () => expect(await page.evaluate(`Boolean(${condition})`)).toBe(true), { timeout: 20_000, interval: 50 })
}

/** What the page shows at this instant otherwise than the actor itself said, or undefined. `prefix` is what the server puts before the names of actors. */
export async function differenceAt(
  page: Page,
  { line, actor, machine, value }: Instant,
  lines: readonly TraceLine[],
  prefix = '',
): Promise<unknown> {
  const shown = await litAt(page, line, `${prefix}${actor}`)
  const actors: TracedActors = new Map()
  for (const one of lines.slice(0, line + 1)) advance(actors, one)
  const expected = {
    at: line,
    states: activeStates(machine, value).toSorted(),
    taken: [...new Set(actors.get(actor)?.taken)].toSorted(),
  }
  return JSON.stringify(shown) === JSON.stringify(expected) ? undefined : { shown, expected }
}

/** Goes to a line, as somebody who drags the slider, and gives the ids of what is lit up for this actor. */
export async function litAt(
  page: Page,
  line: number,
  actor: string,
): Promise<{ readonly at: number; readonly states: readonly string[]; readonly taken: readonly string[] }> {
  return page.evaluate(`(${LIT_AT})(${JSON.stringify([line, actor])})`)
}

const LIT_AT = `async ([line, actor]) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  const slider = document.querySelector('.inspector input[type=range]')
  slider.value = String(line)
  slider.dispatchEvent(new Event('input'))
  await frame()
  document.querySelector('.inspector [data-actor="' + CSS.escape(actor) + '"]').click()
  await frame()
  const ids = (name, prefix) => [...document.querySelectorAll('.inspector .chart .' + name)].map(({ id }) => id.slice(prefix.length)).toSorted()
  return { at: Number(document.querySelector('.inspector').dataset.at), states: ids('active', 'state:'), taken: ids('taken', 'transition:') }
}`
