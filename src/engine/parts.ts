import { SyncError, ValidationError } from '../core/errors.ts'
import type { SyncEngineOptions } from '../core/options.ts'
import type { createAlerts } from './alerts.ts'
import type { createAuditLog } from './audit-log.ts'
import type { createAudit } from './audit.ts'
import type { explain } from './explain.ts'
import type { createIntegrity } from './integrity/index.ts'
import type { createLogOut } from './log-out.ts'
import type { logTo } from './log.ts'
import type { createReadPath } from './read-path.ts'
import type { createRealtime } from './realtime.ts'
import type { createRecorder } from './recorder/recorder.ts'
import type { createStatistics } from './statistics.ts'
import type { createViews } from './views.ts'

/** What an engine can do without. Each is named like what it serves: an option, or a function of the engine. */
export interface Parts {
  readonly alerts: typeof createAlerts
  readonly audit: { readonly write: typeof createAudit; readonly read: typeof createAuditLog }
  readonly check: typeof createIntegrity
  readonly explain: typeof explain
  readonly logger: typeof logTo
  readonly logOut: typeof createLogOut
  readonly pull: typeof createReadPath
  readonly realtime: typeof createRealtime
  readonly recorder: typeof createRecorder
  readonly statistics: typeof createStatistics
  readonly view: typeof createViews
}

const BY_OPTION = ['alerts', 'audit', 'logger', 'pull', 'realtime', 'recorder'] as const

/** @throws ValidationError for an option whose part is not there. */
export function checkParts(options: SyncEngineOptions, parts: Partial<Parts>): void {
  const lacking = BY_OPTION.find((name) => options[name] !== undefined && parts[name] === undefined)
  if (lacking !== undefined) throw new ValidationError(lacking, `needs its part: ${howTo(lacking)}.`)
}

/** In the place of what a part would do. */
export function without(part: keyof Parts): () => never {
  return () => {
    throw new SyncError('no-part', `This engine was made without the part ${part}: ${howTo(part)}.`)
  }
}

function howTo(part: keyof Parts): string {
  return `give createSyncEngine of synchart/core parts: { ${part} }, or take that of synchart, which has all`
}
