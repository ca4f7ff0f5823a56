import type { StoreSchema } from '../../src/core/ports.ts'

/** The schema of stores that were made before there was an inbox of conflicts. It stays as it was. */
export const version1: StoreSchema = {
  version: 1,
  collections: {
    operations: {
      key: 'seq',
      autoIncrement: true,
      indexes: {
        id: { fields: ['id'], unique: true },
        lane: { fields: ['lane', 'seq'] },
        rank: { fields: ['user', 'rank', 'seq'] },
        due: { fields: ['user', 'dueAt', 'seq'] },
        finished: { fields: ['status', 'finishedAt', 'seq'] },
        chosenKey: { fields: ['chosenKey'], unique: true },
        dedupeKey: { fields: ['dedupeKey'], unique: true },
      },
    },
    entities: { key: 'key', indexes: {} },
    meta: { key: 'name', indexes: {} },
  },
}

/** An update that was enqueued by a build of that time. */
export function version1Operation(id: string): object {
  return {
    id,
    rev: 1,
    user: 'default',
    type: 'update',
    entity: 'note',
    entityId: 'a',
    payload: { title: 'ours' },
    status: 'queued',
    priority: 'medium',
    idempotencyKey: id,
    enqueuedAt: 1_700_000_000_000,
    attempts: 0,
    unknownAttempts: 0,
    reconciliations: 0,
    lane: 'default/note/a',
    rank: 1_700_000_060_000,
  }
}
