import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { chromium, type BrowserContext, type Page } from 'playwright'
import { findChromium } from '../../scripts/chromium.mjs'
import { createServer, type SynchartServer } from '../../src/server/index.ts'

export const executablePath: string | undefined = findChromium()

/** A web application of one origin, whose API is the real server, in a real Chromium with real tabs. */
export interface ChromiumApp {
  readonly url: string
  /** Where the server listens itself, lines included: from the application's pages it is another origin. */
  readonly serverUrl: string
  readonly server: SynchartServer
  readonly context: BrowserContext
  /** Writes that reached the API, by their keys, also those that it did not answer. */
  readonly keys: readonly string[]
  /** What pages have posted to `/told`: one that was suspended can't be asked. */
  readonly told: readonly unknown[]
  /** False: every connection to the API breaks before anything is done. */
  setReachable(reachable: boolean): void
  /** From now on requests to the API wait until the function that is returned is called. */
  hold(): () => void
  open(query?: Readonly<Record<string, string>>): Promise<Page>
  close(): Promise<void>
}

/** Entry points are paths below `test/pages`; each is served as a script of that name, and run by the page of that name: `page` by all others. */
export async function openChromiumApp(
  entries: readonly string[],
  launch: { readonly args?: readonly string[] } = {},
): Promise<ChromiumApp> {
  const scripts = await bundle(entries)
  const keys: string[] = []
  const told: unknown[] = []
  let reachable = true
  let held: Promise<void> | undefined

  function scriptOf(path: string): string {
    return scripts.has(`${path}.js`) ? `${path}.js` : '/page.js'
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    const script = scripts.get(path)
    if (script !== undefined) response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
    else if (path === '/told') {
      told.push(JSON.parse((await bodyOf(request)).toString()))
      response.writeHead(204).end()
    } else if (path === '/elsewhere')
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>elsewhere</title>')
    else if (path.startsWith('/api/')) await api(request, response)
    else
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<!doctype html><title>app</title><script type="module" src="${scriptOf(path)}"></script>`)
  }

  async function api(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    if (!reachable) return void response.destroy()
    const key = request.headers['idempotency-key']
    if (typeof key === 'string') keys.push(key)
    await held
    const answered = await server.fetch(requestOf(request, body))
    response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(Buffer.from(await answered.arrayBuffer()))
  }

  const web = createHttpServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const server = await createServer({ corsOrigins: [url] })
  const { url: serverUrl } = await server.listen()
  const browser = await chromium.launch({
    executablePath: executablePath ?? '',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', ...(launch.args ?? [])],
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  const context = await browser.newContext()

  return {
    url,
    serverUrl,
    server,
    context,
    keys,
    told,
    setReachable(next) {
      reachable = next
    },
    hold() {
      let release = (): void => {}
      held = new Promise((resolve) => (release = resolve))
      return release
    },
    async open(query = {}) {
      const page = await context.newPage()
      await page.goto(`${url}/?${new URLSearchParams(query)}`)
      await page.waitForFunction('globalThis.isReady === true')
      return page
    },
    async close() {
      await browser.close()
      web.closeAllConnections()
      web.close()
      await server.close()
    },
  }
}

async function bundle(entries: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const files = await Promise.all(
    entries.map(async (entry) => {
      const { outputFiles } = await build({
        entryPoints: [new URL(`../pages/${entry}`, import.meta.url).pathname],
        bundle: true,
        format: 'esm',
        platform: 'browser',
        write: false,
        logLevel: 'silent',
      })
      return [`/${entry.replace(/^.*\//, '').replace(/\.ts$/, '.js')}`, outputFiles[0]?.text ?? ''] as const
    }),
  )
  return new Map(files)
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function requestOf({ url = '', method = 'GET', headers }: IncomingMessage, body: Buffer): Request {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as [string, string]] : [],
  )
  const content = body.length > 0 ? { body: new Uint8Array(body) } : {}
  return new Request(`http://api${url.slice('/api'.length)}`, { method, headers: kept, ...content })
}
