import { checkUnaudited } from './audit-options.ts'
import { checkConflictOptions } from './conflict-options.ts'
import { ValidationError } from './errors.ts'
import { checkEntityInvariants } from './invariants.ts'
import { checkMigrations } from './migration-options.ts'
import { refuseUnknown } from './option-checks.ts'
import { checkReferences } from './references.ts'
import { isRecord } from './schema.ts'
import { checkScopes } from './scopes.ts'
import { checkSchemas } from './standard-schema.ts'

const ENTITY_OPTIONS = [
  'conflict',
  'fields',
  'vectorClock',
  'stamp',
  'actions',
  'scopes',
  'schema',
  'payloads',
  'references',
  'invariants',
  'ids',
  'unaudited',
  'version',
  'migrations',
]
const ENTITY_NAME = /^[A-Za-z][\w-]{0,63}$/

/** @throws ValidationError that names the option that is out of range. */
export function checkEntities(entities: unknown): void {
  if (!isRecord(entities) || Object.keys(entities).length === 0)
    throw new ValidationError('entities', 'must name at least one entity, as { note: {} }.')
  for (const [name, entity] of Object.entries(entities)) {
    if (!ENTITY_NAME.test(name))
      throw new ValidationError(`entities.${name}`, 'must start with a letter and hold only letters, digits, _ and -.')
    if (!isRecord(entity)) throw new ValidationError(`entities.${name}`, 'must be an object; {} takes the defaults.')
    refuseUnknown(`entities.${name}`, ENTITY_OPTIONS, entity)
    checkConflictOptions(`entities.${name}`, entity)
    checkSchemas(`entities.${name}`, entity)
    checkMigrations(`entities.${name}`, entity)
    checkActions(`entities.${name}.actions`, entity['actions'])
    checkUnaudited(`entities.${name}.unaudited`, entity['unaudited'])
    if (entity['scopes'] !== undefined) checkScopes(`entities.${name}.scopes`, entity['scopes'])
    if (entity['invariants'] !== undefined) checkEntityInvariants(`entities.${name}.invariants`, entity['invariants'])
    if (entity['references'] !== undefined)
      checkReferences(`entities.${name}.references`, entity['references'], Object.keys(entities))
    if (entity['ids'] !== undefined && entity['ids'] !== 'client' && entity['ids'] !== 'server')
      throw new ValidationError(`entities.${name}.ids`, "must be 'client' or 'server'.")
  }
}

function checkActions(path: string, actions: unknown): void {
  if (actions === undefined) return
  if (!isRecord(actions)) throw new ValidationError(path, 'must be an object of functions by type of operation.')
  for (const [type, effect] of Object.entries(actions)) {
    if (typeof effect !== 'function')
      throw new ValidationError(`${path}.${type}`, 'must be a function from a value and a payload to the new value.')
  }
}
