import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../src/server/database.ts'
import { createServer } from '../../src/server/index.ts'
import { caller, serve, temporaryFolder } from './support.ts'
import type { Call } from './support.ts'

const worker = fileURLToPath(new URL('./workers/serve.mjs', import.meta.url))

describe('a restart', () => {
  it('A11 keeps resources, tombstones, versions, cursors, answers and the ledger', async () => {
    const database = join(await temporaryFolder(), 'server.db')
    const before = await serve({ database })
    const made = await before.call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    await before.call('POST', '/note', { key: 'k2', body: { id: 'n2' } })
    await before.call('DELETE', '/note/n2', { key: 'k3' })
    const { cursor } = (await before.call('GET', '/note')).json
    const ledger = before.server.ledger()
    await before.server.close()

    const { server, call } = await serve({ database })
    expect(server.ledger()).toEqual(ledger)
    const again = await call('POST', '/note', { key: 'k1', body: { id: 'n1' } })
    expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([made.text, 'true'])
    expect((await call('GET', `/note?cursor=${cursor}`)).json.changes).toEqual([])
    expect((await call('POST', '/note', { key: 'k4', body: { id: 'n2' } })).json.version).toBe('4')
    expect((await call('GET', `/note?cursor=${cursor}`)).json.changes).toMatchObject([{ id: 'n2', version: '4' }])
  })

  it('S27 refuses a database of a later release and leaves it alone', async () => {
    const database = join(await temporaryFolder(), 'server.db')
    const raw = await openDatabase(database)
    raw.exec('PRAGMA user_version = 99')
    raw.close()
    await expect(createServer({ database })).rejects.toMatchObject({ code: 'storage-newer' })
  })

  it('L9 forgets the answers whose time is over, and no others', async () => {
    const database = join(await temporaryFolder(), 'server.db')
    let now = 1_000_000
    const { server, call } = await serve({ database, clock: { now: () => now }, idempotencyTtlMs: 1000 })
    const create = (key: string) => call('POST', '/note', { key, body: { id: key } })
    await create('k1')
    await create('k2')
    now += 600
    await create('k3')
    now += 500
    await create('k4')
    await server.close()
    const raw = await openDatabase(database)
    onTestFinished(() => raw.close())
    expect(raw.prepare('SELECT key FROM answers ORDER BY rowid').all()).toEqual([{ key: 'k3' }, { key: 'k4' }])
  })

  it('L10 closes while a client keeps its connection open', async () => {
    const { server, call } = await serve()
    await call('GET', '/note')
    await server.close()
    await expect(call('GET', '/note')).rejects.toThrow()
  })
})

describe('kill -9 in the middle of the load', () => {
  it('S4 leaves effect, answer and ledger in agreement, and every answered write in place', { timeout: 30_000 }, async () => {
    const database = join(await temporaryFolder(), 'server.db')
    const answered = new Map<string, string>()
    let sent = 0
    for (let round = 0; round < 4; round += 1) {
      const { child, call } = await startWorker(database)
      const clients = Array.from({ length: 6 }, (_, client) => load(call, `r${round}c${client}`, answered))
      await reached(answered, (round + 1) * 150)
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      for (const count of await Promise.all(clients)) sent += count
      await checkAgreement(database)
    }
    expect(answered.size).toBeGreaterThanOrEqual(600)
    expect(sent).toBeGreaterThan(answered.size)

    const { server, call } = await serve({ database })
    const applied = new Set(server.ledger().map(({ key }) => key))
    expect(applied.size).toBe(server.ledger().length)
    for (const [key, text] of answered) {
      expect(applied.has(key)).toBe(true)
      const again = await write(call, key)
      expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([text, 'true'])
    }
  })
})

async function startWorker(database: string): Promise<{ child: ChildProcess; call: Call }> {
  const child = fork(worker, [database], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [message] = await once(child, 'message')
  return { child, call: caller(message.url) }
}

/** Writes of every kind, one after the other, until the server is gone. Gives how many were sent. */
async function load(call: Call, name: string, answered: Map<string, string>): Promise<number> {
  for (let at = 0; ; at += 1) {
    const key = `${name}.${at}`
    const reply = await write(call, key).catch(() => undefined)
    if (reply === undefined) return at + 1
    answered.set(key, reply.text)
    tell?.()
  }
}

/** What a key does follows from the key: make a resource, change it, delete it. */
function write(call: Call, key: string) {
  const [lane, at] = key.split('.')
  const id = `${lane}-${Math.floor(Number(at) / 3)}`
  if (Number(at) % 3 === 0) return call('POST', '/note', { key, body: { id } })
  if (Number(at) % 3 === 1) return call('PATCH', `/note/${id}`, { key, body: { at } })
  return call('DELETE', `/note/${id}`, { key })
}

let tell: (() => void) | undefined

function reached(answered: Map<string, string>, count: number): Promise<void> {
  return new Promise((resolve) => {
    tell = () => {
      if (answered.size >= count) resolve()
    }
  })
}

async function checkAgreement(database: string): Promise<void> {
  const raw = await openDatabase(database)
  const count = (sql: string): unknown => Object.values(raw.prepare(sql).get() ?? {})[0]
  try {
    expect(count('PRAGMA integrity_check')).toBe('ok')
    expect(count('SELECT count(*) FROM answers WHERE status < 400 AND key NOT IN (SELECT key FROM ledger)')).toBe(0)
    expect(count('SELECT count(*) FROM ledger WHERE key NOT IN (SELECT key FROM answers)')).toBe(0)
    expect(
      count(
        'SELECT count(*) FROM resources r WHERE version <> (SELECT max(version) FROM ledger l WHERE l.entity = r.entity AND l.id = r.id)',
      ),
    ).toBe(0)
    expect(count('SELECT count(*) FROM ledger WHERE id NOT IN (SELECT id FROM resources)')).toBe(0)
  } finally {
    raw.close()
  }
}
