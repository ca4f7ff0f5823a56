import { isKeptId } from '../core/entity-id.ts'
import { ServerError, SyncError } from '../core/errors.ts'
import type { Change, Pulled, UnusableChange } from '../core/ports.ts'
import { isRecord } from '../core/schema.ts'
import { objectionToEntity, objectionToVersion, withUsableWait } from './check-answer.ts'
import type { Deadline, Validators, Verdict } from './validators.ts'

type Page = Extract<Pulled, { type: 'page' }>

/** What a transport gave, whoever wrote it: a page that is none is a failure, and one change that can't be used is told of. */
export function checkPulled(pulled: Pulled): Pulled {
  if (!isRecord(pulled)) return notUsable('it is no object')
  if (pulled.type === 'page') return checkPage(pulled)
  if (pulled.type === 'unchanged') return pulled
  if (pulled.type !== 'expired' && pulled.type !== 'failed' && pulled.type !== 'auth') return notUsable('its type is not known')
  return pulled.error instanceof SyncError ? withUsableWait(pulled) : notUsable('its error is no SyncError')
}

function checkPage(page: Page): Pulled {
  const { changes, unusable, cursor, hasMore, etag = '', total = 0 } = page
  const isPage = Array.isArray(changes) && Array.isArray(unusable) && typeof cursor === 'string' && cursor !== ''
  if (!isPage || typeof hasMore !== 'boolean' || typeof etag !== 'string' || !Number.isSafeInteger(total))
    return notUsable('a page has the lists changes and unusable, a text cursor, hasMore true or false')
  const found = changes.flatMap((change) => objectionTo(change) ?? [])
  const left = found.length === 0 ? changes : changes.filter((change) => !objectionTo(change))
  return { ...page, changes: left, unusable: [...unusable.map(asTold), ...found] }
}

/** Of what names nobody, or gives no reason, it is told all the same. */
function asTold(one: UnusableChange): UnusableChange {
  const { id, error }: Readonly<Record<string, unknown>> = isRecord(one) ? { ...one } : {}
  const named = typeof id === 'string' && id !== '' ? id : undefined
  return error instanceof SyncError ? { id: named, error } : leftOut(named, 'it does not say why')
}

/** Why it can't be used; undefined if it can. */
function objectionTo(change: Change): UnusableChange | undefined {
  if (!isRecord(change) || typeof change.id !== 'string' || change.id === '')
    return leftOut(undefined, 'its id must be a text, and not empty')
  const { id, version } = change
  if (!isKeptId(id)) return leftOut(id, 'its id holds a NUL character or half a surrogate pair, which not every store keeps')
  const objection = objectionToVersion(version) ?? ('deleted' in change ? undefined : objectionToEntity(change.value))
  return objection === undefined ? undefined : leftOut(id, objection)
}

function leftOut(id: string | undefined, reason: string): UnusableChange {
  const message = `A change that the transport gave can't be used: ${reason}. It is left out, and what is stored of that entity stays.`
  return { id, error: new ServerError(message, { code: 'unusable-change' }) }
}

function notUsable(reason: string): Pulled {
  const message = `The transport's pull() gave what can't be used: ${reason}. Mend the transport; the page is asked for again.`
  return { type: 'failed', error: new SyncError('transport', message, { retryable: true }) }
}

/** The page without what the schema of the entity refuses. A deletion is never refused. */
export async function withoutRefused(validators: Validators, entity: string, page: Page, signal: AbortSignal): Promise<Page> {
  const deadline = validators.until(signal)
  const verdicts = await Promise.all(page.changes.map(async (change) => verdictOn(validators, entity, change, deadline)))
  deadline.end()
  const refused = page.changes.flatMap(({ id }, at) => {
    const error = verdicts[at]
    return error === undefined ? [] : [{ id, error }]
  })
  if (refused.length === 0) return page
  const changes = page.changes.filter((_, at) => verdicts[at] === undefined)
  return { ...page, changes, unusable: [...page.unusable, ...refused] }
}

export function verdictOn(
  validators: Validators,
  entity: string,
  change: Change,
  deadline: Deadline,
): Verdict | Promise<Verdict> {
  return 'deleted' in change ? undefined : validators.value(entity, change.value, () => 'value', deadline)
}
