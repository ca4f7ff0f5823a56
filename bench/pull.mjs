import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { httpTransport } from 'synchart/transport/http'
import { openDatabase } from './raw-sqlite.mjs'
import { interleaved, newPath, startServer, timed } from './support.mjs'

const PAGE = 1_000

async function byEngine(url) {
  const path = newPath()
  const engine = createSyncEngine({
    storage: sqliteStorage({ path }),
    transport: httpTransport({ baseURL: url }),
    entities: { note: {} },
    pull: { pageSize: PAGE },
  })
  await engine.start()
  const ms = await timed(() => engine.synchronize())
  await engine.stop()
  return { ms, path }
}

/** The same pages, each fetched, read and stored in one transaction, in the very tables of an engine's store, by prepared statements. */
async function byHand(url, modelPath) {
  const database = await openDatabase(newPath())
  const model = await openDatabase(modelPath)
  const schema = model.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'").all()
  model.close()
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  for (const { sql } of schema) database.exec(sql)
  const put = database.prepare('INSERT OR REPLACE INTO entities (key, rev, value) VALUES (?, ?, ?)')
  const reach = database.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)')
  let rev = 0
  const ms = await timed(async () => {
    for (let [cursor, hasMore] = ['', true]; hasMore;) {
      const response = await fetch(`${url}/note?cursor=${cursor}&limit=${PAGE}`)
      const page = await response.json()
      database.exec('BEGIN IMMEDIATE')
      for (const { id, version, value } of page.changes) {
        const key = `default/note/${id}`
        put.run(key, ++rev, JSON.stringify({ key, generation: 1, version, value, rev }))
      }
      reach.run('pull', JSON.stringify(page.cursor))
      database.exec('COMMIT')
      ;({ cursor, hasMore } = page)
    }
  })
  database.close()
  return ms
}

/** Everything that a server has, against a bare fetch and one-transaction store of the same pages. */
export async function benchPull(rounds, count) {
  const server = await startServer('pages', count)
  const { path } = await byEngine(server.url)
  const { engine, raw } = await interleaved(rounds, {
    engine: async () => (await byEngine(server.url)).ms,
    raw: () => byHand(server.url, path),
  })
  await server.stop()
  const each = (ms) => ((1_000 * ms) / count).toFixed(1)
  return [
    {
      what: `pull of ${count} changes in pages of ${PAGE}`,
      value: raw / engine,
      unit: '× bare fetch and store',
      limit: 0.7,
      atLeast: true,
      detail: `${each(engine)} against ${each(raw)} µs a change`,
    },
  ]
}
