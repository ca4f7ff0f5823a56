import { ValidationError } from '../../core/errors.ts'
import { isRecord } from '../../core/schema.ts'
import { checkConflicts } from './conflicts.ts'
import { checkEntities } from './entities.ts'
import { createFindings } from './findings.ts'
import { checkDeclared } from './invariants.ts'
import { checkMeta } from './meta.ts'
import { checkOperations } from './operations.ts'
import { compareWithServer } from './server.ts'
import type { Site } from './site.ts'
import type { CheckOptions, CheckResult } from './types.ts'

const OPTIONS = ['repair', 'entities', 'server']

/**
 * Looks at all rows page by page, while whoever works on the store goes on. What is found is looked at once more, so that what only moves is no problem.
 * Rows of `meta` come first: by one of them repairs are told to the owner.
 */
export async function checkStore(site: Site, options: CheckOptions, monotonic: () => number): Promise<CheckResult> {
  const { repair = false, entities, server: isCompared = false } = options
  const began = monotonic()
  const findings = createFindings()
  const task = { ...site, repair, isCompared, concerns: (entity: string) => entities === undefined || entities.includes(entity) }
  await checkMeta(task, findings)
  const misplaced = await checkOperations(task, findings)
  await checkConflicts(task, findings, misplaced)
  await checkEntities(task, findings)
  const { server, user, declared } = site
  if (user !== undefined) await checkDeclared(task, user, declared, findings)
  if (isCompared && server !== undefined && user !== undefined)
    await compareWithServer(task, server, user, Object.keys(declared.entities), findings)
  return findings.result(monotonic() - began)
}

/** @throws ValidationError */
export function checkCheckOptions(options: unknown, known: readonly string[] | undefined): CheckOptions {
  if (!isRecord(options)) throw new ValidationError('check', 'takes an object, as { repair: true }.')
  const { repair, entities, server } = options
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) throw new ValidationError(unknown, `is not known here. Known: ${OPTIONS.join(', ')}.`)
  for (const [name, value] of Object.entries({ repair, server }))
    if (value !== undefined && typeof value !== 'boolean') throw new ValidationError(name, 'must be true or false.')
  const isList = Array.isArray(entities) && entities.every((one) => typeof one === 'string' && known?.includes(one) !== false)
  if (entities !== undefined && !isList)
    throw new ValidationError('entities', `must be a list of the engine's entities: ${known?.join(', ') ?? ''}.`)
  return options
}
