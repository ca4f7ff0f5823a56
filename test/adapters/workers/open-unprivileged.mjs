// Opens the store as somebody who may not write there, and prints what came of it.
import { argv, getuid, setgid, setuid, stdout } from 'node:process'
import { sqliteStorage } from 'synchart/storage/sqlite'

const nobody = 65534
const [, , path] = argv
const schema = { version: 1, collections: { notes: { key: 'id', indexes: {} } } }

// The library is loaded while it may be read for certain.
await sqliteStorage({ path: `${path}.absent/x.db` })
  .open(schema)
  .catch(() => {})
if (getuid() === 0) {
  setgid(nobody)
  setuid(nobody)
}
const outcome = await sqliteStorage({ path })
  .open(schema)
  .then(
    () => ({ opened: true }),
    ({ name, code, message, cause }) => ({ name, code, message, caused: cause instanceof Error }),
  )
stdout.write(`${JSON.stringify(outcome)}\n`)
