import Database from 'libsql'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStorage } from '../../../src/adapters/sqlite/index.ts'
import type { StorageWorld } from '../storage-world.ts'

export interface Folder {
  readonly path: string
  remove(): void
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'synchart-sqlite-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** A connection of its own that knows nothing of the adapter. */
export function behindItsBack<T>(path: string, work: (database: Database.Database) => T): T {
  const database = new Database(path)
  try {
    database.exec('PRAGMA busy_timeout = 2000')
    return work(database)
  } finally {
    database.close()
  }
}

const maxBytes = 8 * 1024 * 1024

export async function makeSqliteWorld(): Promise<StorageWorld> {
  const folder = temporaryFolder()
  const path = join(folder.path, 'store.db')
  const behind = (sql: string) => behindItsBack(path, (database) => database.exec(sql))
  return {
    handle: () => sqliteStorage({ path, watchMs: 10, maxBytes }),
    async failWritesOf(collection, key) {
      behind(
        `CREATE TRIGGER fails BEFORE INSERT ON "${collection}" WHEN NEW.id = '${key}' BEGIN SELECT RAISE(ABORT, 'the disk failed'); END`,
      )
      return async () => void behind('DROP TRIGGER fails')
    },
    async fillQuota() {
      behind(`CREATE TABLE filler (bytes); INSERT INTO filler VALUES (zeroblob(${maxBytes}))`)
      return async () => void behind('DROP TABLE filler')
    },
    async corruptRow(collection, key) {
      behind(`UPDATE "${collection}" SET value = '{"id":"${key}' WHERE id = '${key}'`)
    },
    async destroy() {
      folder.remove()
    },
  }
}
