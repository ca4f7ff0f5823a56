import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDriver } from '../../src/adapters/sqlite/driver.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { createSyncEngine } from '../../src/index.ts'
import { folder, run, serverOf } from './support.ts'

/** A note that was created and changed, by an engine that audits. */
async function auditedStore(): Promise<{ store: string; operation: string }> {
  const server = await serverOf()
  const store = join(await folder(), 'notes.db')
  const engine = createSyncEngine({
    storage: sqliteStorage({ path: store }),
    transport: httpTransport({ baseURL: server.url }),
    entities: { note: {} },
    audit: {},
  })
  await engine.start()
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: 'old' } })
  ).settled
  const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'n1', payload: { title: 'new' } })
  await operation.settled
  await engine.stop()
  return { store, operation: operation.id }
}

describe('C7 synchart audit', () => {
  it('C7 prints what happened, by entity, operation and time, as text and as JSON', async () => {
    const { store, operation } = await auditedStore()
    const { code, stdout } = await run(['audit', store, '--entity', 'note', '--id', 'n1'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^#4 {2}\d{4}-\S+ {2}engine: ended, done {2}update note\/n1\n {4}title: "old" → "new"\n#3 /)
    expect(stdout).toMatch(/#1 {2}\S+ {2}application: enqueued, queued {2}create note\/n1\n {4}title: \(nothing\) → "old"\n$/)
    const json: unknown = JSON.parse((await run(['audit', store, '--operation', operation, '--json'])).stdout)
    expect(json).toMatchObject({ user: 'default', entries: [{ number: 4 }, { number: 3 }], unreadable: [] })
    const page = await run(['audit', store, '--limit', '1', '--after', '3'])
    expect(page.stdout).toMatch(/^#2 .*\n.*\nFor more: --after 2\n$/)
    expect((await run(['audit', store, '--since', '2999-01-01'])).stdout).toContain('There is no such entry')
  })

  it('C7 tells of what it can where damage put no change, or no time, into an entry or into what was counted', async () => {
    const { store } = await auditedStore()
    const driver = await openDriver(store)
    driver.exec("UPDATE audit SET value = json_set(value, '$.changes[0]', null) WHERE number = 1")
    driver.exec("UPDATE audit SET value = json_set(value, '$.at', 1e300) WHERE number = 2")
    driver.exec("UPDATE meta SET value = json_set(value, '$.since', 1e300) WHERE name LIKE 'statistics/%'")
    await driver.close()
    const { code, stdout } = await run(['audit', store])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^#4 [^]*\n#2 {2}1e\+300 ms {2}engine: [^]*\nEntries that can not be read: 1\.\n$/)
    expect(await run(['status', store])).toMatchObject({ code: 0, stdout: expect.stringContaining('since 1e+300 ms:\n') })
  })

  it('C7 says what is wrong with a time, and that an id needs its entity', async () => {
    const { store } = await auditedStore()
    for (const time of ['yesterday', '-1', 'week 2', '2026-13-01'])
      expect(await run(['audit', store, '--since', time])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--since'),
      })
    expect(await run(['audit', store, '--id', 'n1'])).toMatchObject({ code: 2, stderr: expect.stringContaining('entity') })
  })
})
