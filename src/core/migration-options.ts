import { ValidationError } from './errors.ts'
import { count, refuseUnknown } from './option-checks.ts'
import { isRecord } from './schema.ts'

const HIGHEST = 1_000_000

/** Throws `ValidationError` for a version that has no migration, or a migration that no version needs; `path` is where the entity's options stand. */
export function checkMigrations(path: string, { version = 1, migrations = {} }: Readonly<Record<string, unknown>>): void {
  count(`${path}.version`, version, 1, HIGHEST)
  if (!isRecord(migrations))
    throw new ValidationError(`${path}.migrations`, 'must be an object by version, as { 2: { payload, value } }.')
  const steps = Object.keys(migrations).map(Number)
  const lowest = Math.min(...steps)
  for (const [key, step] of Object.entries(migrations)) checkStep(`${path}.migrations.${key}`, Number(key), version, step)
  for (let step = lowest; step <= Number(version); step++) {
    if (!steps.includes(step))
      throw new ValidationError(`${path}.migrations.${step}`, 'is missing: {} says that nothing changed with this version.')
  }
}

function checkStep(path: string, key: number, version: unknown, step: unknown): void {
  if (!Number.isInteger(key) || key < 2 || key > Number(version))
    throw new ValidationError(path, `must be of a version from 2 to the present one, ${String(version)}.`)
  if (!isRecord(step)) throw new ValidationError(path, 'must be an object with payload, value or none of them.')
  refuseUnknown(path, ['payload', 'value'], step)
  for (const part of ['payload', 'value'] as const) {
    if (step[part] !== undefined && typeof step[part] !== 'function')
      throw new ValidationError(`${path}.${part}`, 'must be a function that returns JSON at once.')
  }
}
