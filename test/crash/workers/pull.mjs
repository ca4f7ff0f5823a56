// An engine that brings everything that the server has. Prints `?cursor` before each request, and at the end `=` with a hash of what
// its view shows.
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { argv } from 'node:process'
import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { httpTransport } from 'synchart/transport/http'

const [, , path, url] = argv
const transport = httpTransport({ baseURL: url })
const engine = createSyncEngine({
  storage: sqliteStorage({ path, watchMs: 20 }),
  transport: {
    ...transport,
    pull(request, context) {
      writeSync(1, `?${request.cursor ?? ''}\n`)
      return transport.pull(request, context)
    },
  },
  entities: { note: {} },
  lock: { heartbeatMs: 200, staleMs: 60_000, pollMs: 50 },
  pull: { pageSize: 50 },
})
await engine.start()
const { pulled } = await engine.synchronize()
if (pulled.every(({ isComplete }) => isComplete)) {
  const notes = (await engine.view('note').list()).map(({ value }) => value).sort((a, b) => (a.id < b.id ? -1 : 1))
  const hash = createHash('sha256')
  for (const { id, title, version } of notes) hash.update(JSON.stringify([id, title, version]))
  writeSync(1, `=${notes.length} ${hash.digest('hex')}\n`)
}
await engine.stop()
