import { StorageNewerError } from '../core/errors.ts'
import { integer } from './database.ts'
import type { Database } from './database.ts'

const schemaVersion = 2

/*
 * `resources` is also the change log: each row stands at its newest change, tombstones included, in the order of `version`.
 * Versions count the changes of an entity. The newest change is never forgotten, so no version is ever used twice.
 */
const tables = `
  CREATE TABLE meta (id TEXT NOT NULL);
  CREATE TABLE resources (
    entity TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT,
    PRIMARY KEY (entity, id)
  );
  CREATE UNIQUE INDEX resources_by_version ON resources (entity, version);
  CREATE INDEX tombstones ON resources (entity, version) WHERE body IS NULL;
  CREATE TABLE answers (
    user TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, at INTEGER NOT NULL,
    status INTEGER NOT NULL, etag TEXT, body TEXT,
    PRIMARY KEY (user, key)
  );
  CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY, user TEXT NOT NULL, client TEXT, sequence INTEGER, key TEXT NOT NULL,
    entity TEXT NOT NULL, id TEXT NOT NULL, method TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL
  );
`

/*
 * `members`: a resource that is in a scope stands at its newest change, one that has left it at the change by which it left.
 */
const scopeTables = `
  CREATE TABLE scoped_fields (entity TEXT NOT NULL, field TEXT NOT NULL, PRIMARY KEY (entity, field));
  CREATE TABLE members (
    entity TEXT NOT NULL, id TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, version INTEGER NOT NULL, is_member INTEGER NOT NULL,
    PRIMARY KEY (entity, id, field, value)
  );
  CREATE UNIQUE INDEX members_by_version ON members (entity, field, value, version);
  CREATE INDEX departures ON members (entity, version) WHERE is_member = 0;
`

/**
 * Makes the tables of a new database and brings an existing one of an earlier release up to date.
 * A file is kept in WAL mode with synchronous NORMAL: nothing acknowledged is lost when the process dies; the last
 * moments may be lost when the power fails, which is fit for a reference server.
 * @throws StorageNewerError if the database was made by a later release.
 */
export function prepareSchema(database: Database, newId: () => string): void {
  database.exec('PRAGMA busy_timeout = 5000')
  database.prepare('PRAGMA journal_mode = WAL').get()
  database.exec('PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32000')
  database.exec('BEGIN IMMEDIATE')
  try {
    migrate(database, newId)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function migrate(database: Database, newId: () => string): void {
  const found = integer(database.prepare('PRAGMA user_version').get() ?? {}, 'user_version')
  if (found > schemaVersion) throw new StorageNewerError(found, schemaVersion)
  if (found === schemaVersion) return
  if (found < 1) {
    database.exec(tables)
    database.prepare('INSERT INTO meta (id) VALUES (?)').run(newId())
  }
  database.exec(`${scopeTables} PRAGMA user_version = ${schemaVersion}`)
}
