import { storedObject } from './body.ts'
import { integer, optionalText, text } from './database.ts'
import type { Database } from './database.ts'
import { Refusal } from './problems.ts'
import { scopeValue } from './scope.ts'
import type { Scope } from './scope.ts'
import type { Identified, Listed, Resource } from './store.ts'

const mostFields = 32

/**
 * Which resources are in a scope, and which have left it and when. Kept for the fields that somebody has asked for, from the first time on: no
 * cursor of a scope is older than that.
 */
export function createMembers(database: Database, transaction: <T>(work: () => T) => T) {
  const fields = database.prepare('SELECT field FROM scoped_fields WHERE entity = ?')
  const addField = database.prepare('INSERT INTO scoped_fields (entity, field) VALUES (?, ?)')
  const resources = database.prepare('SELECT id, version, body FROM resources WHERE entity = ? AND body IS NOT NULL')
  const leaveAll = database.prepare('UPDATE members SET is_member = 0, version = ? WHERE entity = ? AND id = ? AND is_member = 1')
  const enter = database.prepare(
    'INSERT INTO members (entity, id, field, value, version, is_member) VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (entity, id, field, value) DO UPDATE SET is_member = 1, version = excluded.version',
  )
  const forget = database.prepare('DELETE FROM members WHERE entity = ? AND is_member = 0 AND version <= ?')
  const count = database.prepare(
    'SELECT count(*) AS count FROM members WHERE entity = ? AND field = ? AND value = ? AND is_member = 1',
  )
  const changes = database.prepare(
    `SELECT m.id, m.version AS position, r.version, CASE m.is_member WHEN 1 THEN r.body END AS body
     FROM members m JOIN resources r ON r.entity = m.entity AND r.id = m.id
     WHERE m.entity = ? AND m.field = ? AND m.value = ? AND m.version > ? AND (m.is_member = 1 OR m.version > ?)
     ORDER BY m.version LIMIT ?`,
  )

  const within = database.prepare(
    `SELECT m.id, r.version FROM members m JOIN resources r ON r.entity = m.entity AND r.id = m.id
     WHERE m.entity = ?1 AND m.field = ?2 AND m.value = ?3 AND m.is_member = 1 AND m.id >= ?4 AND (?5 IS NULL OR m.id < ?5)`,
  )

  function fieldsOf(entity: string): readonly string[] {
    return fields.all(entity).map((row) => text(row, 'field'))
  }

  function enterAll(entity: string, { id, version, body }: Resource, kept: readonly string[]): void {
    if (body === null) return
    const resource = storedObject(body)
    for (const field of kept) {
      const value = scopeValue(resource, field)
      if (value !== undefined) enter.run(entity, id, field, value, version)
    }
  }

  return {
    /** Inside the transaction that writes the resource. */
    put(entity: string, resource: Resource): void {
      const kept = fieldsOf(entity)
      if (kept.length === 0) return
      leaveAll.run(resource.version, entity, resource.id)
      enterAll(entity, resource, kept)
    },

    /** @throws Refusal 400 if there are too many fields. */
    keep(entity: string, field: string): void {
      if (fieldsOf(entity).includes(field)) return
      transaction(() => {
        const kept = fieldsOf(entity)
        if (kept.includes(field)) return
        if (kept.length >= mostFields)
          throw new Refusal(
            'invalid-parameter',
            `Scopes of ${mostFields} fields are kept at most: use one of ${kept.join(', ')}.`,
          )
        addField.run(entity, field)
        for (const row of resources.all(entity))
          enterAll(entity, { id: text(row, 'id'), version: integer(row, 'version'), body: optionalText(row, 'body') }, [field])
      })
    },

    within: (entity: string, { field, value }: Scope, from: string, to: string | null): readonly Identified[] =>
      within.all(entity, field, value, from, to).map((row) => ({ id: text(row, 'id'), version: integer(row, 'version') })),
    forget: (entity: string, upToVersion: number): void => forget.run(entity, upToVersion),
    count: (entity: string, { field, value }: Scope): number => integer(count.get(entity, field, value) ?? {}, 'count'),
    after: (entity: string, { field, value }: Scope, position: number, leftAfter: number, limit: number): readonly Listed[] =>
      changes.all(entity, field, value, position, leftAfter, limit).map((row) => ({
        id: text(row, 'id'),
        version: integer(row, 'version'),
        position: integer(row, 'position'),
        body: optionalText(row, 'body'),
      })),
  }
}
