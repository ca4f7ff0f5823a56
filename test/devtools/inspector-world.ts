import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright'
import { expect, vi } from 'vitest'
import type { InspectionEvent } from 'xstate'
import { advance, type TracedActors, type TraceLine, type TraceValue } from '../../src/core/trace.ts'
import type { SyncEngine } from '../../src/index.ts'
import { executablePath } from '../support/chromium-app.ts'

/** The command itself, in a process of its own. */
interface InspectServer {
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

async function startInspector(args: readonly string[]): Promise<InspectServer> {
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

/** What the actors of an engine themselves say at some instants, and at which line of its trace that was. */
export function watchInstants() {
  const refs = new Map<InspectionEvent['actorRef'], string>()
  const instants: { readonly line: number; readonly actor: string; readonly machine: string; readonly value: TraceValue }[] = []
  const lines: TraceLine[] = []
  const actors: TracedActors = new Map()
  return {
    instants,
    lines,
    inspect(event: InspectionEvent): void {
      refs.set(event.actorRef, 'id' in event.actorRef ? String(event.actorRef.id) : '')
    },
    follow: (engine: SyncEngine) =>
      engine.recorder.watch((line) => {
        lines.push(line)
        advance(actors, line)
      }),
    /** Of all machines that live now; not within an action, where an actor is not yet where it is going. */
    take(): void {
      for (const [ref, name] of refs) {
        const snapshot = ref.getSnapshot() as { status: string; value?: TraceValue; machine?: { id: string } }
        if (snapshot.status !== 'active' || snapshot.machine === undefined || snapshot.value === undefined) continue
        const known = [...actors.values()].find((actor) => actor.name === name && actor.machine === snapshot.machine?.id)
        if (known !== undefined)
          instants.push({
            line: lines.length - 1,
            actor: known.actor,
            machine: snapshot.machine.id,
            value: structuredClone(snapshot.value),
          })
      }
    },
  }
}

/** Waits for a condition in the page. Its policy lets nobody evaluate text there, Playwright's own waiting included. */
export async function until(page: Page, condition: string): Promise<void> {
  await vi.waitFor(async () => expect(await page.evaluate(`Boolean(${condition})`)).toBe(true), { timeout: 20_000, interval: 50 })
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
