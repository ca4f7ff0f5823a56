import { ValidationError } from './errors.ts'
import { count, DAY_MS, refuseUnknown, span } from './option-checks.ts'

export interface AuditOptions {
  /** Entries are forgotten after this. */
  readonly keepMs: number
  /** And the oldest as soon as there are more of them than this, give or take a tenth. */
  readonly keepCount: number
}

export const AUDIT_DEFAULTS: AuditOptions = { keepMs: 90 * DAY_MS, keepCount: 100_000 }

/** @throws ValidationError that names the option. */
export function auditOptions(given: unknown): AuditOptions | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ValidationError('audit', 'must be an object; {} takes the defaults. Leave it out to keep no audit.')
  refuseUnknown('audit', Object.keys(AUDIT_DEFAULTS), given)
  const { keepMs = AUDIT_DEFAULTS.keepMs, keepCount = AUDIT_DEFAULTS.keepCount }: Partial<AuditOptions> = given
  span('audit.keepMs', keepMs, 1)
  count('audit.keepCount', keepCount, 1, 100_000_000)
  return { keepMs, keepCount }
}

/** Of one entity. @throws ValidationError that names the option. */
export function checkUnaudited(path: string, unaudited: unknown): void {
  if (unaudited === undefined) return
  const isPath = (one: unknown): boolean => typeof one === 'string' && one !== ''
  if (!Array.isArray(unaudited) || !unaudited.every(isPath))
    throw new ValidationError(path, "must be a list of fields, as ['password', 'address.street'].")
}
