import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDriver } from '../../../src/adapters/sqlite/driver.ts'
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

/**
 * A connection of its own, with plain SQL. Of the same library as the adapter's: two copies of SQLite in one process would
 * release each other's file locks.
 */
export async function behindItsBack(path: string, sql: string): Promise<void> {
  const driver = await openDriver(path)
  try {
    driver.exec('PRAGMA busy_timeout = 2000')
    driver.exec(sql)
  } finally {
    await driver.close()
  }
}

const maxBytes = 8 * 1024 * 1024

export async function makeSqliteWorld(): Promise<StorageWorld> {
  const folder = temporaryFolder()
  const path = join(folder.path, 'store.db')
  const behind = (sql: string) => behindItsBack(path, sql)
  return {
    handle: () => sqliteStorage({ path, watchMs: 10, maxBytes }),
    async failWritesOf(collection, key) {
      await behind(
        `CREATE TRIGGER fails BEFORE INSERT ON "${collection}" WHEN NEW.id = '${key}' BEGIN SELECT RAISE(ABORT, 'the disk failed'); END`,
      )
      return () => behind('DROP TRIGGER fails')
    },
    async fillQuota() {
      const room = 128 * 1024
      await behind(
        `CREATE TABLE filler (bytes);
         INSERT INTO filler SELECT zeroblob(${maxBytes - room} - page_count * page_size) FROM pragma_page_count, pragma_page_size`,
      )
      return () => behind('DROP TABLE filler')
    },
    async corruptRow(collection, key) {
      await behind(`UPDATE "${collection}" SET value = '{"id":"${key}' WHERE id = '${key}'`)
    },
    async destroy() {
      folder.remove()
    },
  }
}
