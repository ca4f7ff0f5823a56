import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { command, fileOf, notes, run, serverOf, start } from './support.ts'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

/** Many systems keep the lowest ports from users. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Runs the command with a full disk behind one of its streams; what comes of the other, and the exit code. */
async function withFull(stream: 'stdout' | 'stderr', args: readonly string[]): Promise<{ code: unknown; text: string }> {
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [command, ...args], {
    stdio: stream === 'stdout' ? ['ignore', full, 'pipe'] : ['ignore', 'pipe', full],
  })
  closeSync(full)
  let text = ''
  const other = stream === 'stdout' ? child.stderr : child.stdout
  other?.setEncoding('utf8').on('data', (part: string) => void (text += part))
  const [code] = (await once(child, 'close')) as [unknown]
  return { code, text }
}

const mayHave80 = await isFree(80)

describe('the command line', () => {
  it('tells its version and its commands', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringContaining(`synchart/${manifest.version} `) })
    const help = await run(['--help'])
    expect(help.code).toBe(0)
    for (const name of ['push', 'status', 'explain', 'inspect', 'serve']) expect(help.stdout).toContain(`synchart ${name} --help`)
    expect(await run(['push', '--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--token-env <NAME>') })
  })

  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ['no command', [], ''],
    ['an unknown command', ['pull'], 'There is no command pull'],
    ['an unknown option', ['status', 'a.db', '--fast'], '--fast'],
    ['no file', ['push'], 'missing required args'],
    ['no address', ['push', 'ops.ndjson'], '--to is missing'],
    ['an option without its value', ['push', 'ops.ndjson', '--to'], '--to'],
    ['an option given twice', ['push', 'ops.ndjson', '--to', 'http://a.example', '--to', 'http://b.example'], 'more than once'],
    [
      'a number that is none',
      ['push', 'ops.ndjson', '--to', 'http://a.example', '--concurrency', 'many'],
      '--concurrency must be',
    ],
    ['a number below nothing', ['push', 'ops.ndjson', '--to', 'http://a.example', '--timeout', '-1'], '--timeout must be'],
    ['an origin that is none', ['serve', '--cors', 'http://a.example/page'], '--cors must be an origin'],
    ['an origin left out', ['serve', '--cors'], '--cors'],
    ['a number out of range', ['push', 'ops.ndjson', '--to', 'http://a.example', '--concurrency', '0'], 'from 1 to 256'],
    ['a strategy that is none', ['push', 'ops.ndjson', '--to', 'http://a.example', '--conflict', 'coin'], 'localWins'],
    [
      'a token in the place of a name',
      ['push', 'ops.ndjson', '--to', 'http://a.example', '--token-env', 'se-cret'],
      'never the token itself',
    ],
    ['one argument too many', ['status', 'a.db', 'b.db'], 'Unused args'],
    ['weights without faults', ['serve', '--fault-weights', 'delay=1'], 'need --faults'],
    ['a fault that is none', ['serve', '--faults', '0.1', '--fault-weights', 'gremlin=1'], 'gremlin=1'],
    ['a port below nothing', ['inspect', '--port', '-1'], '--port must be a whole number from 0 to 65535'],
    [
      'an origin of engines that is none',
      ['inspect', '--port', '0', '--allow-origin', 'localhost:5173'],
      '--allow-origin must be',
    ],
    ['a trace that is not there', ['inspect', 'nowhere.ndjson'], 'Name a trace'],
    ['a trace that is a folder', ['inspect', '.'], 'Name a trace'],
    ['a trace that has no end', ['inspect', '/dev/zero'], 'Name a trace'],
    ['a rate above 1', ['serve', '--faults', '7'], 'from 0 to 1'],
  ]

  it.each(wrong)('B1 refuses %s with exit code 2', async (_, args, message) => {
    const { code, stderr, stdout } = await run(args)
    expect(code).toBe(2)
    if (message !== '') expect(stderr).toContain(message)
    else expect(stdout).toContain('Usage:')
  })

  it.each([
    ['an empty one', [], 'its first line is no header'],
    ['one of something else', ['broken {'], 'its first line is no header'],
    ['a later format', [{ type: 'header', product: 'synchart', format: 999, version: '9.9.9' }], 'use that of synchart 9.9.9'],
  ])('F3 shows no file that is no trace, as %s', async (_, lines, message) => {
    const { code, stdout, stderr } = await run(['inspect', await fileOf(lines, 'trace.ndjson')])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  it('F2 lets engines of pages connect from the origins that are named, as browsers tell these, and from no others', async () => {
    const inspector = start(['inspect', '--port', '0', '--json', '--allow-origin', 'http://localhost:5173/'])
    const { url } = JSON.parse(await inspector.says('}\n')) as { url: string }
    const connects = (origin: string): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${url.replace('http', 'ws')}engine`, ['synchart.1'], { origin })
        socket.on('open', () => resolve(true)).on('error', () => resolve(false))
      })
    expect(await Promise.all(['http://localhost:5173', 'http://localhost:5174'].map(connects))).toEqual([true, false])
    inspector.kill('SIGTERM')
    await inspector.ended
  })

  it.runIf(mayHave80)('F2 serves the inspector on the port that browsers do not tell', async () => {
    const inspector = start(['inspect', '--port', '80', '--json'])
    const { url } = JSON.parse(await inspector.says('}\n')) as { url: string }
    expect((await fetch(url)).status).toBe(200)
    inspector.kill('SIGTERM')
    await inspector.ended
  })

  it.runIf(existsSync('/dev/full'))(
    'D5 says that a result could not be written, and sends a file though its progress can not be told',
    async () => {
      const server = await serverOf()
      const file = await fileOf(notes(2))
      expect(await withFull('stderr', ['push', file, '--to', server.url])).toEqual({
        code: 0,
        text: expect.stringMatching(/done +2\n/),
      })
      for (const args of [['status', `${file}.synchart.db`], ['explain', `${file}.synchart.db`, '--json'], ['--help']])
        expect(await withFull('stdout', args)).toEqual({
          code: 1,
          text: expect.stringMatching(/^synchart: The result could not be written: ENOSPC.*\n$/),
        })
    },
  )

  it('B1 tells a refusal as JSON where JSON was asked for', async () => {
    const { code, stdout } = await run(['push', 'ops.ndjson', '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'usage', message: expect.stringContaining('--to is missing') } })
  })
})

describe('E10 synchart serve', () => {
  it('serves on this machine until a signal ends it', async () => {
    const server = start([
      'serve',
      '--port',
      '0',
      '--json',
      '--inspect',
      '--faults',
      '0.5',
      '--fault-weights',
      'delay=1,unavailable=0',
    ])
    const { url, faults } = JSON.parse(await server.says('}\n}\n')) as { url: string; faults: unknown }
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(faults).toEqual({ rate: 0.5, weights: { delay: 1, unavailable: 0 } })
    expect(await run(['push', await fileOf(notes(3)), '--to', url])).toMatchObject({ code: 0 })
    const ledger = (await (await fetch(`${url}/_ledger`)).json()) as { entries: unknown[] }
    expect(ledger.entries.length).toBeGreaterThanOrEqual(3)
    server.kill('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0, stderr: 'Stopped by SIGTERM.\n' })
  })

  it('E10 lets pages of the origins call that are named with --cors', async () => {
    expect((await run(['serve', '--help'])).stdout).toContain('--cors <origin>')
    const [one, two, other] = ['http://localhost:5173', 'https://notes.example', 'https://other.example']
    const server = start(['serve', '--port', '0', '--json', '--cors', one, `--cors=${two}/`])
    const { url } = JSON.parse(await server.says('\n}\n')) as { url: string }
    const allowedFor = async (origin: string): Promise<string | null> =>
      (await fetch(`${url}/note/n1`, { headers: { origin } })).headers.get('access-control-allow-origin')
    expect(await Promise.all([one, two, other].map(allowedFor))).toEqual([one, two, null])
    server.kill('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it('D5 says so when the port is taken', async () => {
    const first = start(['serve', '--port', '0'])
    const port = /:(\d+)/.exec(await first.says('Stop it'))?.[1] ?? ''
    const { code, stderr } = await run(['serve', '--port', port])
    expect(code).toBe(1)
    expect(stderr).toContain(`Can't listen on 127.0.0.1:${port}`)
    const inspector = await run(['inspect', '--port', port])
    expect(inspector).toMatchObject({ code: 1, stderr: expect.stringContaining(`Port ${port} can't be used. Give another`) })
    expect(inspector.stderr.match(/EADDRINUSE/g)).toHaveLength(1)
    first.kill('SIGINT')
    expect(await first.ended).toMatchObject({ code: 0 })
  })
})
