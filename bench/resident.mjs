// Prints the resident megabytes of a process whose engine has opened the store and looked at its queue.
import { createSyncEngine } from 'synchart'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { instantTransport } from './support.mjs'

let peak = 0
const look = () => (peak = Math.max(peak, process.memoryUsage().rss))
const instant = instantTransport()
let sent = 0
let enough = () => {}
const done = new Promise((resolve) => (enough = resolve))
const engine = createSyncEngine({
  storage: sqliteStorage({ path: process.argv[2] }),
  transport: {
    ...instant,
    send(...call) {
      look()
      if (++sent === 200) enough()
      return sent > 200 ? new Promise(() => {}) : instant.send(...call)
    },
  },
  entities: { note: {} },
  stopTimeoutMs: 0,
  retention: { completedCount: 100_000_000 },
})
await engine.start()
if (process.argv[3] === 'filled') await done
look()
console.log(peak / 1_048_576)
await engine.stop()
