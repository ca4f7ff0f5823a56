import type { AuditOptions } from '../../core/audit-options.ts'
import type { Choices } from './tape.ts'
import type { WorldSettings } from './settings.ts'

const SHARE = 0.25

/** A field of notes that no entry may tell of. */
export const UNAUDITED = 'b'

/** In some worlds everything is audited, and all of it is kept, or little; there the flight recorder, which changes nothing of the run, is on as well. Drawn after everything else. */
export function withAudit(settings: WorldSettings, choices: Choices): WorldSettings {
  if (!choices.chance(SHARE)) return settings
  const audit = choices.pick<Partial<AuditOptions>>([{}, { keepCount: 10 }, { keepMs: 5_000 }])
  return { ...settings, hasRecorder: true, engine: { ...settings.engine, audit } }
}
