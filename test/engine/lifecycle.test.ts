import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSyncEngine, type SyncEngine } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { STORE_SCHEMA } from '../../src/core/schema.ts'
import { createServer, type SynchartServer } from '../../src/server/index.ts'

const WORKER = fileURLToPath(new URL('./workers/lifecycle.mjs', import.meta.url))

let folder: string
let server: SynchartServer
let url: string
/** Accepts connections and never answers. */
const deaf = createTcpServer((socket) => socket.on('error', () => {}).resume())

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'synchart-life-'))
  server = await createServer()
  url = (await server.listen()).url
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  await server.close()
  await new Promise((resolve) => deaf.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

const NOBODY = 65_534

/** Plays a scenario in a process of its own, and returns how that ended, and its output. */
async function play(scenario: string, path: string, baseURL: string): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, ['--no-warnings', WORKER, scenario, path, baseURL], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (text: Buffer) => (output += String(text)))
  child.stderr.on('data', (text: Buffer) => (output += String(text)))
  const [code]: unknown[] = await once(child, 'close')
  return { code, output }
}

function deafUrl(): string {
  return `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`
}

const SCENARIOS = [
  'never started',
  'made and forgotten',
  'after its work',
  'during a drain',
  'while operations are being enqueued',
  'during a backoff',
  'while a request hangs',
  'while a request on the wire hangs',
  'while flush waits',
  'while a follower waits for flush',
  'while it waits for credentials',
  'while the breaker is open',
  'while paused',
  'twice at once',
  'started twice at once',
  'started after a stop',
  'stopped while it starts',
  'started while it stops',
  'stopped, started and stopped at once',
  'two on one file',
  'started while another stops',
  'after it failed to open',
  'as an actor',
]

describe('stop() leaves nothing behind that keeps the process, and no rejection unhandled', () => {
  it.concurrent.each(SCENARIOS)('L10 D5 %s', async (scenario) => {
    const path = join(folder, `${scenario.replaceAll(/\W/g, '-')}.db`)
    expect(await play(scenario, path, scenario.includes('wire') ? deafUrl() : url)).toEqual({ code: 0, output: '[]\n' })
  })
})

describe('a stop in the midst of a drain', () => {
  it('S1 loses nothing: the next engine finds and sends what is left, and each operation reaches the server once', async () => {
    const path = join(folder, 'mid-drain.db')
    const before = server.ledger().length
    const first = engineOn(path, { coalesce: false })
    const begun = new Promise<void>((resolve) => void first.on('sync:completed', () => resolve()))
    await first.start()
    const operations = await Promise.all(
      Array.from({ length: 100 }, (_, i) => first.enqueue({ type: 'create', entity: 'note', id: `mid-${i}`, payload: { i } })),
    )
    await begun
    await first.stop()
    const second = engineOn(path, { coalesce: false })
    await second.start()
    const settled = await Promise.all(operations.map(({ id }) => second.operations.handle(id).settled))
    expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(['done']))
    expect(server.ledger().length - before).toBe(100)
    await second.stop()
  })

  it('S1 leaves nothing in doubt that it had time to hear of', async () => {
    const path = join(folder, 'quiet.db')
    const engine = engineOn(path)
    await engine.start()
    for (let i = 0; i < 20; i++) await engine.enqueue({ type: 'create', entity: 'note', id: `quiet-${i}`, payload: { i } })
    await engine.stop()
    const storage = sqliteStorage({ path })
    await storage.open(STORE_SCHEMA)
    const rows = (await storage.scan('operations', { limit: 1_000 })).map(({ value }) => value as { status: string })
    expect(rows).toHaveLength(20)
    expect(rows.filter(({ status }) => status !== 'done' && status !== 'queued')).toEqual([])
    await storage.close()
  })
})

function engineOn(path: string, options: object = {}): SyncEngine {
  return createSyncEngine({
    storage: sqliteStorage({ path }),
    transport: httpTransport({ baseURL: url }),
    entities: { note: {} },
    lock: { heartbeatMs: 100, staleMs: 1_000, pollMs: 50 },
    ...options,
  })
}

interface Unusable {
  readonly code: string
  readonly retryable: boolean
  spoil(path: string): Promise<void>
  mend(path: string): Promise<void>
}

const unusable: Record<string, Unusable> = {
  'of a newer schema': {
    code: 'storage-newer',
    retryable: false,
    async spoil(path) {
      const storage = sqliteStorage({ path })
      await storage.open({ ...STORE_SCHEMA, version: 99 })
      await storage.close()
    },
    mend: (path) => rm(path),
  },
  'that is no database': {
    code: 'storage-corrupt',
    retryable: false,
    spoil: (path) => writeFile(path, 'Dear diary, '.repeat(1_000)),
    mend: (path) => rm(path),
  },
  'that is a folder': {
    code: 'storage-unavailable',
    retryable: true,
    spoil: (path) => mkdir(path),
    mend: (path) => rm(path, { recursive: true }),
  },
}

describe('a store that can not be opened', () => {
  it.each(Object.keys(unusable))(
    'D5 %s: start() says why, enqueue is refused, and a later start() works once it is mended',
    async (name) => {
      const { code, retryable, spoil, mend } = unusable[name]!
      const path = join(folder, `${name.replaceAll(' ', '-')}.db`)
      await spoil(path)
      const engine = engineOn(path)
      await expect(engine.start()).rejects.toMatchObject({ code, retryable })
      const input = { type: 'create', entity: 'note', id: `after ${name}`, payload: {} }
      await expect(engine.enqueue(input)).rejects.toMatchObject({ code: 'not-started' })
      await expect(engine.start()).rejects.toMatchObject({ code })
      await mend(path)
      await engine.start()
      expect(await (await engine.enqueue(input)).settled).toEqual({ status: 'done' })
      await engine.stop()
    },
  )

  it('L5 C4 that can be opened later by itself: the engine starts without being asked again, and says so once', async () => {
    const path = join(folder, 'later', 'store.db')
    const engine = engineOn(path)
    await expect(engine.start()).rejects.toMatchObject({ code: 'storage-unavailable' })
    expect(engine.history().map(({ type }) => type)).not.toContain('engine:started')
    await mkdir(join(folder, 'later'))
    const written = new Promise((resolve) => {
      engine.on('engine:started', () => resolve(engine.enqueue({ type: 'create', entity: 'note', id: 'later', payload: {} })))
    })
    expect(await written).toHaveProperty('settled')
    await engine.start()
    expect(engine.history().filter(({ type }) => type === 'engine:started')).toHaveLength(1)
    await engine.stop()
  })

  it('D5 that may only be read: start() says so, and works once it may be written', async () => {
    const own = join(folder, 'read-only')
    const path = join(own, 'store.db')
    await mkdir(own)
    const engine = engineOn(path)
    await engine.start()
    await engine.stop()
    await chmod(path, 0o444)
    if (process.getuid?.() === 0) for (const at of [folder, own, path]) await chown(at, NOBODY, NOBODY)
    expect(await play('that may only be read', path, url)).toEqual({ code: 0, output: '[]\n' })
  })
})
