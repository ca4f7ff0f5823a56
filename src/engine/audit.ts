import type { AuditOptions } from '../core/audit-options.ts'
import type { Clock } from '../core/ports.ts'
import type { RowStorage } from './shaped-storage.ts'
import type { Settings } from '../core/options.ts'
import { forgetAudit } from './audit-store.ts'
import { createAuditWriter, type AuditWriter } from './audit-writer.ts'

/** What every commit of a store asks for the entries that belong to it. */
export interface Audit extends AuditWriter {
  /** So many entries were committed. */
  written(count: number): void
  /** Deletes what is too old or too much. */
  forget(): Promise<void>
}

export interface AuditHooks {
  clientId(): string
  failed(error: unknown): void
}

/** Entries are forgotten after so many new ones, or a tenth of those that are kept. */
const EVERY = 1_000

/** Undefined where nothing is audited. */
export function createAudit(
  settings: Settings,
  { now }: Clock,
  storage: RowStorage,
  { clientId, failed }: AuditHooks,
): Audit | undefined {
  const { audit: options } = settings
  return options && withRetention(createAuditWriter(settings, now, clientId), options, storage, now, failed)
}

function withRetention(
  writer: AuditWriter,
  options: AuditOptions,
  storage: RowStorage,
  now: () => number,
  failed: AuditHooks['failed'],
): Audit {
  const every = Math.min(EVERY, Math.ceil(options.keepCount / 10))
  let since = 0

  /** By whoever writes, owner or not: while nothing ends, as in a long outage, the owner has no occasion. */
  function forget(): Promise<void> {
    since = 0
    return forgetAudit(storage, options, now())
  }

  return {
    ...writer,
    forget,
    written(count) {
      since += count
      if (since >= every) void forget().catch(failed)
    },
  }
}
