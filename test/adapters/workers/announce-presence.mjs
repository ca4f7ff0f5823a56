// Announces itself as a holder, prints the holder, and lives until it is killed.
import { stdout } from 'node:process'
import { sqliteStorage } from 'synchart/storage/sqlite'

const { holder } = await sqliteStorage({ path: 'unused.db' }).presence.announce()
stdout.write(`${holder}\n`)
setInterval(() => {}, 1000)
