import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDriver } from '../../src/adapters/sqlite/driver.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { statisticsLines } from '../../src/cli/kept-statistics.ts'
import { NOTHING } from '../../src/core/statistics.ts'
import { version2 } from '../adapters/version-2.ts'
import { fileOf, folder, notes, run, serverOf, start, summaryOf } from './support.ts'

/** A store with three notes done, an update refused (404), and an update parked behind which another waits. */
async function storeWithTrouble(): Promise<string> {
  const server = await serverOf()
  const file = await fileOf([
    ...notes(3),
    { type: 'update', entity: 'note', id: 'absent', payload: { a: 1 } },
    { type: 'create', entity: 'note', id: 'stuck', payload: {} },
  ])
  await run(['push', file, '--to', server.url])
  server.setFaults({ rate: 1, weights: { 'error-after': 1 } })
  const more = await fileOf([
    { type: 'update', entity: 'note', id: 'stuck', payload: { a: 1 } },
    { type: 'update', entity: 'note', id: 'stuck', payload: { a: 2 } },
  ])
  const store = `${file}.synchart.db`
  const result = await run(['push', more, '--to', server.url, '--store', store, '--max-attempts', '2', '--no-coalesce', '--json'])
  expect(summaryOf(result)).toMatchObject({ finished: true, inStore: { live: 2, parked: [{ entityId: 'stuck' }] } })
  return store
}

async function behind<T>(path: string, work: (driver: Awaited<ReturnType<typeof openDriver>>) => T): Promise<T> {
  const driver = await openDriver(path)
  try {
    return work(driver)
  } finally {
    await driver.close()
  }
}

const leaseIn = (store: string) =>
  behind(store, (driver) => String(driver.prepare(`SELECT value FROM meta WHERE name = 'lease'`).row([])?.[0]))

describe('F8 a store that is looked at', () => {
  it('tells what was counted as it tells all numbers, and a user by what can be seen', () => {
    const lines = statisticsLines({ ...NOTHING, since: 0, user: 'u\u001b[2J', enqueued: 3_000 })
    expect(lines).toEqual(['counted for user u\\u001b[2J since 1970-01-01T00:00:00.000Z:', '  enqueued           3,000'])
  })

  it('tells what it holds, who drains it, and its dead letters, without touching the lease', async () => {
    const store = await storeWithTrouble()
    const lease = await leaseIn(store)
    const { epoch } = JSON.parse(lease) as { epoch: number }
    const { code, stdout } = await run(['status', store])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`lease +free \\(epoch ${epoch}\\)`))
    expect(stdout).toMatch(/queued +1\n +parked +1\n +done +\d/)
    expect(stdout).toMatch(/oldest live +parked: [\w-]+ {2}update note\/stuck, 2 attempts: /)
    expect(stdout).toMatch(/dead letters:\n {2}[\w-]+ {2}update note\/absent/)
    expect(stdout).toMatch(/counted for user \S+ since \d{4}-.*:\n {2}enqueued +\d+\n {2}done +\d+\n {2}rejected +1\n/)
    expect(stdout).toMatch(/ {2}latency +p50 \d+ ms, p95 \d+ ms, p99 \d+ ms/)
    const json: unknown = JSON.parse((await run(['status', store, '--json'])).stdout)
    expect(json).toMatchObject({
      statistics: [{ user: expect.any(String), since: expect.any(Number), rejected: 1, latencyMs: { scale: 3 } }],
      lease: { state: 'free', epoch },
      byStatus: { queued: 1, parked: 1, rejected: 1 },
      live: 2,
      oldestLive: { entityId: 'stuck', status: 'parked' },
      rejected: [{ entityId: 'absent' }],
    })
    expect(await leaseIn(store)).toBe(lease)
  })

  it('explains each operation that waits: for what, and the last error', async () => {
    const store = await storeWithTrouble()
    const { code, stdout } = await run(['explain', store])
    expect(code).toBe(0)
    expect(stdout).toContain('2 operations live, waiting for an engine on this store: no process drains it now')
    expect(stdout, 'says what holds for all once').toMatch(
      /^(?:(?!no process drains)[^])*no process drains(?:(?!no process drains)[^])*$/,
    )
    expect(stdout).toMatch(
      /update note\/stuck\n +status +parked\n +attempts +2\n +waits for +a decision.*\n +last error +server: /,
    )
    const { operations } = JSON.parse((await run(['explain', store, '--json'])).stdout) as {
      operations: { waitingFor: string[]; lastError?: { code: string }; operation: { id: string; status: string } }[]
    }
    const [parked, queued] = operations
    expect(parked).toMatchObject({ operation: { status: 'parked' }, lastError: { code: 'server' } })
    expect(parked!.waitingFor).toContainEqual(expect.stringContaining('a decision'))
    expect(queued!.waitingFor).toContainEqual(`operation ${parked!.operation.id} (parked), which is before it on note/stuck`)
    expect(queued!.waitingFor).toContainEqual(expect.stringContaining('no process drains it'))

    const one = await run(['explain', store, queued!.operation.id])
    expect(one.stdout).toContain(`waits for  operation ${parked!.operation.id} (parked)`)
  })

  it('shows no control characters that came with an operation: a terminal would obey them, and a line break looks like a line of its own', async () => {
    const server = await serverOf()
    const id = '\u001b]0;title\u0007\u202ebackwards\u009b2J\n  done  1,000'
    const file = await fileOf([{ type: 'update', entity: 'note', id, payload: { a: 1 } }])
    const store = `${file}.synchart.db`
    const pushed = await run(['push', file, '--to', server.url])
    const { rejected } = JSON.parse((await run(['status', store, '--json'])).stdout) as {
      rejected: { id: string; entityId: string }[]
    }
    const looks = [
      pushed,
      await run(['status', store]),
      await run(['explain', store, rejected[0]!.id]),
      await run(['status', store, '--json']),
    ]
    for (const { stdout, stderr } of looks) {
      expect(`${stdout}${stderr}`).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]|^ *done +1,000/mu)
      expect(stdout).toContain(String.raw`\u202ebackwards\u009b2J`)
    }
    expect(rejected[0]!.entityId).toBe(id)
  })

  it('says that there is no such operation', async () => {
    const store = await storeWithTrouble()
    const { code, stderr } = await run(['explain', store, 'nobody'])
    expect(code).toBe(1)
    expect(stderr).toContain('There is no operation nobody')
    expect(stderr).toContain(`synchart status ${store}`)
    expect(stderr).not.toContain('operations.list')
  })

  it('A1 shows the process that holds the lease, and that it is gone after a kill', async () => {
    const server = await serverOf({ faults: { rate: 1, weights: { unavailable: 1 }, retryAfterMaxSeconds: 0 } })
    const file = await fileOf(notes(2))
    const store = `${file}.synchart.db`
    const worker = start(['push', file, '--to', server.url, '--progress', 'json'])
    await worker.progress(({ requests }) => requests > 0)
    const held = await run(['status', store])
    expect(held.stdout).toMatch(new RegExp(`lease +held by process ${worker.pid} `))
    expect((await run(['explain', store])).stdout).not.toContain('no process drains it')
    worker.kill('SIGKILL')
    await worker.ended
    expect((await run(['status', store])).stdout).toMatch(new RegExp(`lease +left by process ${worker.pid} .* is gone`))
  })

  it.each(['status', 'explain'])('%s does not create a file that is not there', async (command) => {
    const path = join(await folder(), 'none.db')
    const { code, stderr } = await run([command, path])
    expect(code).toBe(2)
    expect(stderr).toContain('none.db does not exist')
    expect(existsSync(path)).toBe(false)
  })

  it('leaves the database of something else as it is', async () => {
    const path = join(await folder(), 'other.db')
    await behind(path, (driver) => driver.exec('CREATE TABLE recipes (name)'))
    const before = readFileSync(path)
    for (const args of [
      ['status', path],
      ['explain', path],
      ['push', await fileOf(notes(1)), '--to', 'http://127.0.0.1:9', '--store', path],
    ]) {
      const { code, stderr } = await run(args)
      expect(code).toBe(2)
      expect(stderr).toMatch(/is not a store of synchart|is a database of something else/)
    }
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('F8 takes a name that SQLite reads as an address for the name of a file, and makes no other', async () => {
    const store = await storeWithTrouble()
    const cwd = await folder()
    await copyFile(store, join(cwd, 'file:notes.db'))
    expect(await run(['status', 'file:notes.db'], {}, cwd)).toMatchObject({ code: 0, stdout: expect.stringContaining('parked') })
    expect(readdirSync(cwd)).toEqual(['file:notes.db'])
  })

  it('says that a file is no database', async () => {
    const path = join(await folder(), 'text.db')
    await writeFile(path, 'no database at all '.repeat(50))
    for (const command of ['status', 'explain']) {
      const { code, stderr } = await run([command, path])
      expect(code).toBe(2)
      expect(stderr).toContain('not an SQLite database')
    }
  })

  it('S27 does not touch a store of a newer schema, and says what to do', async () => {
    const store = await storeWithTrouble()
    await behind(store, (driver) => driver.exec('PRAGMA user_version = 99'))
    const commands = [
      ['status', store],
      ['explain', store],
      ['push', await fileOf(notes(1)), '--to', 'http://127.0.0.1:9', '--store', store],
    ]
    for (const args of commands) {
      const { code, stderr, stdout } = await run([...args, '--json'])
      expect(code).toBe(1)
      expect(stderr).toContain('Update the application')
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'storage-newer' } })
    }
  })

  it('D10 leaves a store of an older schema to the application that still uses it: opened by this build, that could not open it again', async () => {
    const store = join(await folder(), 'older.db')
    const old = sqliteStorage({ path: store })
    await old.open(version2)
    for (const args of [
      ['status', store],
      ['explain', store],
      ['audit', store],
      ['check', store, '--repair'],
    ])
      expect(await run(args)).toMatchObject({ code: 2, stderr: expect.stringContaining('a store of an older synchart') })
    expect(await old.scan('meta', { limit: 1 })).toEqual([])
    await old.commit([{ type: 'put', collection: 'meta', value: { name: 'a' } }])
    await old.close()
  })

  it('leaves a database alone whose tables only have the names of ours', async () => {
    const path = join(await folder(), 'clinic.db')
    await behind(path, (driver) => driver.exec('CREATE TABLE operations (surgeon); CREATE TABLE meta (key)'))
    const before = readFileSync(path)
    expect(await run(['status', path])).toMatchObject({ code: 2, stderr: expect.stringContaining('not a store of synchart') })
    const pushed = await run(['push', await fileOf(notes(1)), '--to', 'http://127.0.0.1:9', '--store', path])
    expect(pushed).toMatchObject({ code: 2, stderr: expect.stringContaining('is a database of something else') })
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})

describe('B13 a store that is checked', () => {
  const change = (store: string, text: string) => behind(store, (driver) => driver.exec(text))

  it('is sound, and the command says so', async () => {
    const store = await storeWithTrouble()
    const { code, stdout } = await run(['check', store])
    expect(code).toBe(0)
    expect(stdout).toMatch(/operations +\d+\n +entities +\d/)
    expect(stdout).toContain('The store is sound.')
  })

  it('has problems, told of with the exit code 1 until they are repaired', async () => {
    const store = await storeWithTrouble()
    await change(
      store,
      "UPDATE operations SET rank = NULL WHERE rank IS NOT NULL; UPDATE entities SET value = 'x' WHERE key LIKE '%stuck'",
    )
    const found = await run(['check', store, '--json'])
    expect(found.code).toBe(1)
    expect(JSON.parse(found.stdout)).toMatchObject({
      total: 2,
      isSound: false,
      problems: [{ code: 'place' }, { code: 'unreadable' }],
    })
    const repaired = await run(['check', store, '--repair'])
    expect(repaired.stdout).toMatch(/problems +2\n +mended +1\n +quarantined +1/)
    expect(repaired.code).toBe(1)
    expect(await run(['check', store])).toMatchObject({ code: 0 })
  })

  it.each([
    ['how far something was pulled', "INSERT INTO meta (name, value) VALUES ('pull/%zz/note', 'x')"],
    ['an entity', "INSERT INTO entities (key, value) VALUES ('%zz/note/a', 'x')"],
    ['statistics', "INSERT INTO meta (name, value) VALUES ('statistics/%zz', 'x')"],
  ])('is looked at to its end, and repaired, though nobody can tell whose row of %s it is', async (_, damage) => {
    const store = await storeWithTrouble()
    await change(store, damage)
    expect((await run(['status', store])).code).toBe(0)
    expect(JSON.parse((await run(['check', store, '--json'])).stdout)).toMatchObject({ problems: [{ code: 'unreadable' }] })
    expect((await run(['check', store, '--repair'])).stdout).toMatch(/problems +1\n +mended +0\n +quarantined +1/)
    expect(await run(['check', store])).toMatchObject({ code: 0 })
  })

  it('is refused if it is none', async () => {
    expect(await run(['check', 'nowhere.db'])).toMatchObject({ code: 2 })
  })
})
