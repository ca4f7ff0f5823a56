import type { StoreSchema } from '../../src/core/ports.ts'

/** The schema of stores that were made before there was an audit. It stays as it was. */
export const version2: StoreSchema = {
  version: 2,
  collections: {
    operations: {
      key: 'seq',
      autoIncrement: true,
      compared: ['rev'],
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
    entities: { key: 'key', indexes: { changed: { fields: ['rev'] }, deleted: { fields: ['deletedAt'] } } },
    meta: { key: 'name', compared: ['rev', 'epoch'], indexes: {} },
    conflicts: { key: 'id', indexes: { status: { fields: ['status', 'since', 'id'] } } },
  },
}
