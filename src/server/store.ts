import { randomUUID } from 'node:crypto'
import type { DigestRange } from '../core/digest.ts'
import type { StoredAnswer } from './answer.ts'
import { integer, openDatabase, optionalInteger, optionalText, text } from './database.ts'
import type { Database, SqlRow } from './database.ts'
import { createMembers } from './members.ts'
import { prepareSchema } from './schema.ts'
import type { Scope } from './scope.ts'

/** A resource at its newest change; a tombstone has no body. */
export interface Resource {
  readonly id: string
  readonly version: number
  /** The JSON text as it is sent, `id` and `version` included; null for a tombstone. */
  readonly body: string | null
}

/** A resource in a list of changes, and where it stands there. */
export interface Listed extends Resource {
  readonly position: number
}

export type Identified = Pick<Resource, 'id' | 'version'>

/** One applied effect. */
export interface LedgerEntry {
  readonly seq: number
  readonly user: string
  readonly client: string | null
  readonly sequence: number | null
  readonly key: string
  readonly entity: string
  readonly id: string
  readonly method: string
  readonly version: number
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The tables as functions. Everything is synchronous, so nothing comes between the calls of one transaction. */
export interface Store {
  /** Identifies this database: cursors of another one are expired. */
  readonly databaseId: string
  /** All or nothing. */
  transaction<T>(work: () => T): T
  /** All or nothing, inside a transaction that goes on. */
  savepoint<T>(work: () => T): T
  find(entity: string, id: string): Resource | undefined
  /** The newest version of an entity, 0 before its first change. */
  head(entity: string): number
  put(entity: string, resource: Resource): void
  /** From now on it is kept which resources are in the scopes of this field. @throws Refusal 400 */
  keepScopes(entity: string, field: string): void
  /** How many resources there are or were, as far as their tombstones are kept; in a scope, how many there are. */
  count(entity: string, scope?: Scope): number
  /** In the order of versions. */
  changesAfter(entity: string, version: number, limit: number): readonly Listed[]
  /** The same in a scope. What left it after `leftAfter` comes without a body, where it left. */
  changesIn(entity: string, scope: Scope, version: number, leftAfter: number, limit: number): readonly Listed[]
  /** What is there by now, with ids in this range. */
  within(entity: string, range: DigestRange, scope?: Scope): readonly Identified[]
  forgetTombstones(entity: string, upToVersion: number): void
  /** What left a scope by a change up to this one. */
  forgetDepartures(entity: string, upToVersion: number): void
  answer(user: string, key: string, newerThanMs: number): StoredAnswer | undefined
  keepAnswer(user: string, key: string, atMs: number, answer: StoredAnswer): void
  forgetAnswers(upToMs: number): void
  log(entry: Omit<LedgerEntry, 'seq'>): void
  ledger(): readonly LedgerEntry[]
  close(): void
}

/** @throws StorageUnavailableError if the file can't be opened, StorageNewerError if a later release made it. */
export async function openStore(path: string): Promise<Store> {
  const database = await openDatabase(path)
  try {
    prepareSchema(database, randomUUID)
    return createStore(database)
  } catch (error) {
    database.close()
    throw error
  }
}

function createStore(database: Database): Store {
  const find = database.prepare('SELECT id, version, body FROM resources WHERE entity = ? AND id = ?')
  const head = database.prepare('SELECT coalesce(max(version), 0) AS head FROM resources WHERE entity = ?')
  const put = database.prepare(
    'INSERT INTO resources (entity, id, version, body) VALUES (?, ?, ?, ?) ON CONFLICT (entity, id) DO UPDATE SET version = excluded.version, body = excluded.body',
  )
  const count = database.prepare('SELECT count(*) AS count FROM resources WHERE entity = ?')
  const changes = database.prepare(
    'SELECT id, version, body FROM resources WHERE entity = ? AND version > ? ORDER BY version LIMIT ?',
  )
  const within = database.prepare(
    'SELECT id, version FROM resources WHERE entity = ?1 AND body IS NOT NULL AND id >= ?2 AND (?3 IS NULL OR id < ?3)',
  )
  const forgetTombstones = database.prepare('DELETE FROM resources WHERE entity = ? AND version <= ? AND body IS NULL')
  const answer = database.prepare('SELECT fingerprint, status, etag, body FROM answers WHERE user = ? AND key = ? AND at > ?')
  const keepAnswer = database.prepare(
    'INSERT OR REPLACE INTO answers (user, key, at, fingerprint, status, etag, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  // Answers are kept in the order of time, so the scan stops at the first one that stays.
  const forgetAnswers = database.prepare(
    'DELETE FROM answers WHERE rowid < coalesce((SELECT rowid FROM answers WHERE at > ? ORDER BY rowid LIMIT 1), (SELECT max(rowid) + 1 FROM answers))',
  )
  const log = database.prepare(
    'INSERT INTO ledger (user, client, sequence, key, entity, id, method, version, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const ledger = database.prepare('SELECT * FROM ledger ORDER BY seq')
  const transaction = bracket(database, 'BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK')
  const members = createMembers(database, transaction)

  return {
    databaseId: text(database.prepare('SELECT id FROM meta').get() ?? {}, 'id'),
    transaction,
    savepoint: bracket(database, 'SAVEPOINT item', 'RELEASE item', 'ROLLBACK TO item; RELEASE item'),
    find(entity, id) {
      const found = find.get(entity, id)
      return found === undefined ? undefined : toResource(found)
    },
    head: (entity) => integer(head.get(entity) ?? {}, 'head'),
    put(entity, resource) {
      const { id, version, body } = resource
      put.run(entity, id, version, body)
      members.put(entity, resource)
    },
    keepScopes: members.keep,
    count: (entity, scope) => (scope === undefined ? integer(count.get(entity) ?? {}, 'count') : members.count(entity, scope)),
    changesAfter: (entity, version, limit) => changes.all(entity, version, limit).map(toListed),
    changesIn: members.after,
    within: (entity, { from = '', to = null }, scope) =>
      scope === undefined ? within.all(entity, from, to).map(toIdentified) : members.within(entity, scope, from, to),
    forgetTombstones: (entity, upToVersion) => forgetTombstones.run(entity, upToVersion),
    forgetDepartures: members.forget,
    answer(user, key, newerThanMs) {
      const found = answer.get(user, key, newerThanMs)
      return found === undefined ? undefined : toStoredAnswer(found)
    },
    keepAnswer: (user, key, atMs, kept) => keepAnswer.run(user, key, atMs, kept.fingerprint, kept.status, kept.etag, kept.body),
    forgetAnswers: (upToMs) => forgetAnswers.run(upToMs),
    log: (entry) =>
      log.run(entry.user, entry.client, entry.sequence, entry.key, entry.entity, entry.id, entry.method, entry.version, entry.at),
    ledger: () => ledger.all().map(toLedgerEntry),
    close: () => database.close(),
  }
}

function bracket(database: Database, begin: string, commit: string, rollback: string): <T>(work: () => T) => T {
  return (work) => {
    database.exec(begin)
    try {
      const result = work()
      database.exec(commit)
      return result
    } catch (error) {
      database.exec(rollback)
      throw error
    }
  }
}

function toResource(found: SqlRow): Resource {
  return { id: text(found, 'id'), version: integer(found, 'version'), body: optionalText(found, 'body') }
}

function toIdentified(found: SqlRow): Identified {
  return { id: text(found, 'id'), version: integer(found, 'version') }
}

function toListed(found: SqlRow): Listed {
  const resource = toResource(found)
  return { ...resource, position: resource.version }
}

function toStoredAnswer(found: SqlRow): StoredAnswer {
  return {
    fingerprint: text(found, 'fingerprint'),
    status: integer(found, 'status'),
    etag: optionalText(found, 'etag'),
    body: optionalText(found, 'body'),
  }
}

function toLedgerEntry(found: SqlRow): LedgerEntry {
  return {
    seq: integer(found, 'seq'),
    user: text(found, 'user'),
    client: optionalText(found, 'client'),
    sequence: optionalInteger(found, 'sequence'),
    key: text(found, 'key'),
    entity: text(found, 'entity'),
    id: text(found, 'id'),
    method: text(found, 'method'),
    version: integer(found, 'version'),
    at: integer(found, 'at'),
  }
}
