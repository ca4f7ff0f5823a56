import type { CollectionSchema } from './ports.ts'

/** What happened, entry by entry. */
export const AUDIT = 'audit'

export const AUDIT_COLLECTION: CollectionSchema = {
  key: 'number',
  autoIncrement: true,
  indexes: {
    time: { fields: ['user', 'at', 'number'] },
    entity: { fields: ['user', 'entity', 'number'] },
    subject: { fields: ['user', 'entity', 'entityId', 'number'] },
    operation: { fields: ['operation', 'number'] },
  },
}
