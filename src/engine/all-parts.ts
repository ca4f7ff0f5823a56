import { createAlerts } from './alerts.ts'
import { createAuditLog } from './audit-log.ts'
import { createAudit } from './audit.ts'
import { explain as explainIt } from './explain.ts'
import { createIntegrity } from './integrity/index.ts'
import { createLogOut } from './log-out.ts'
import { logTo } from './log.ts'
import type { Parts } from './parts.ts'
import { createReadPath } from './read-path.ts'
import { createRealtime } from './realtime.ts'
import { createRecorder } from './recorder/recorder.ts'
import { createStatistics } from './statistics.ts'
import { createViews } from './views.ts'

/** Tells of what somebody should see to: the option `alerts`, and the events `alert:raised` and `alert:cleared`. */
export const alerts: Parts['alerts'] = createAlerts
/** The option `audit`, and `engine.audit`. */
export const audit: Parts['audit'] = { write: createAudit, read: createAuditLog }
/** `engine.check()`. */
export const check: Parts['check'] = createIntegrity
/** `engine.explain()`. */
export const explain: Parts['explain'] = explainIt
/** The option `logger`. */
export const logger: Parts['logger'] = logTo
/** `engine.logOut()`, and the end of a log-out that another tab has begun. */
export const logOut: Parts['logOut'] = createLogOut
/** The option `pull`, `engine.synchronize()`, `engine.scopes` and `engine.progress$`. */
export const pull: Parts['pull'] = createReadPath
/** The option `realtime`, `engine.enableRealtime()` and `engine.realtime$`. Goes with `pull`. */
export const realtime: Parts['realtime'] = createRealtime
/** The option `recorder`, and `engine.recorder`. */
export const recorder: Parts['recorder'] = createRecorder
/** `engine.statistics`: totals over restarts. */
export const statistics: Parts['statistics'] = createStatistics
/** `engine.view()`, and the events `entity:*`. */
export const view: Parts['view'] = createViews
