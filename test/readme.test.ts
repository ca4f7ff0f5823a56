import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { chromium } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findChromium } from '../scripts/chromium.mjs'
import { startServer } from '../src/server/index.ts'

const root = new URL('..', import.meta.url).pathname

/** The code of the fenced block under a heading of the README, on another port than the one it names. */
async function example(heading: string, port: number): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const block = new RegExp(`## ${heading}\\n+\`\`\`js\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1]
  if (block === undefined) throw new Error(`The README has no example under "${heading}".`)
  return block.replaceAll('4000', String(port))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const executablePath: string | undefined = findChromium()

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'synchart-readme-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the examples of the README', () => {
  /** Beside the built package, so that it can import it by its own name. */
  async function run(heading: string): Promise<string> {
    const file = join(root, 'dist', `readme-${process.pid}.mjs`)
    await writeFile(file, await example(heading, await freePort()))
    try {
      return (await promisify(execFile)(process.execPath, [file], { cwd: folder })).stdout
    } finally {
      await rm(file)
    }
  }

  it('E11 runs the example for Node as it stands', async () => {
    const stdout = await run('In Node')
    expect(stdout).toContain("{ status: 'done' }")
    expect(stdout).toContain("title: 'Hello, world'")
  })

  it('A7 E11 runs the example with two devices as it stands', async () => {
    const stdout = await run('From device to device')
    expect(stdout).toMatch(/title: 'Hello, laptop', version: '1'[^}]*},\s*status: 'synced'/)
  })

  // Without a browser on the machine the test command says so, and fails in CI.
  it.runIf(executablePath !== undefined)('E11 runs the example for the browser as it stands, in a real one', async () => {
    const server = await startServer({ corsOrigins: '*' })
    const port = Number(new URL(server.url).port)
    const { outputFiles } = await build({
      stdin: { contents: await example('In the browser', port), resolveDir: root },
      bundle: true,
      format: 'esm',
      write: false,
    })
    const page = createServer((request, response) => {
      const isScript = request.url === '/app.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(
        isScript ? outputFiles[0]!.text : '<!doctype html><title>notes</title><body><script type=module src=app.js></script>',
      )
    })
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
    const browser = await chromium.launch({
      executablePath: executablePath ?? '',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    })
    try {
      const tab = await browser.newPage()
      const address = page.address()
      await tab.goto(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`)
      await tab.waitForSelector('body[data-ready=yes]', { state: 'attached' })
      await tab.evaluate('document.body.click()')
      await tab.waitForFunction("document.title === 'done'")
      expect(server.state('note')).toMatchObject([{ title: 'Clicked' }])
    } finally {
      await browser.close()
      page.close()
      await server.close()
    }
  })
})
