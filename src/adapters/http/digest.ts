import { classifyResponse } from '../../core/classify.ts'
import { isVersion } from '../../core/entity-version.ts'
import { ServerError, SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Digested, DigestRequest, Outcome, RangeDigest } from '../../core/ports.ts'
import { wishesOf, type Answer, type Exchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'
import { fieldOf, parseJson, problemOnly } from './read-body.ts'
import { digestPath } from './routes.ts'

/** Fingerprints of ranges of entities. Never rejects. */
export async function askDigest(
  settings: HttpSettings,
  exchange: Exchange,
  request: DigestRequest,
  signal: AbortSignal,
): Promise<Digested> {
  const path = pathOf(settings, request)
  if (typeof path !== 'string') return { type: 'failed', error: path }
  const wire = { method: 'GET', path, headers: {}, body: null, maxResponseBytes: settings.maxPageBytes }
  const answer = await exchange(wire, signal)
  return answer.type === 'none' ? failed(answer.outcome) : { ...digestedFrom(answer, request), ...wishesOf(answer) }
}

function digestedFrom({ status, headers, text, secret, receivedAt }: Answer, { ranges }: DigestRequest): Digested {
  const read = parseJson(text, headers['content-type'])
  const body = status >= 400 ? problemOnly(read, secret) : read
  const outcome = classifyResponse({ status, headers, body, method: 'GET', nowMs: receivedAt })
  if (outcome.type !== 'applied') return failed(outcome)
  const digests = body.kind === 'json' ? fieldOf(body.value, 'digests') : undefined
  if (!Array.isArray(digests)) return unreadable(status)
  const found = digests.flatMap((one: Json) => digestFrom(one) ?? [])
  return found.length === ranges.length ? { type: 'digests', digests: found } : unreadable(status)
}

function digestFrom(raw: Json): RangeDigest | undefined {
  const [count, hash, entries] = ['count', 'hash', 'entries'].map((name) => fieldOf(raw, name))
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || typeof hash !== 'string') return undefined
  if (entries === undefined) return { count, hash }
  return Array.isArray(entries) && entries.every(isEntry) ? { count, hash, entries } : undefined
}

function isEntry(raw: unknown): raw is readonly [string, string] {
  return Array.isArray(raw) && raw.length === 2 && raw.every((one) => typeof one === 'string') && isVersion(String(raw[1]))
}

function unreadable(status: number): Digested {
  const message = `The server answered ${status}, but not with one digest for each range. Check the route, and what stands before the API.`
  return { type: 'failed', error: new ServerError(message, { code: 'unreadable', status }) }
}

function failed(outcome: Exclude<Outcome, { type: 'applied' }>): Digested {
  return { type: outcome.type === 'auth' ? 'auth' : 'failed', error: outcome.error }
}

function pathOf(settings: HttpSettings, request: DigestRequest): string | SyncError {
  try {
    return digestPath(settings, request)
  } catch (error) {
    if (error instanceof SyncError) return error
    return new SyncError('digest-route', 'The path of the digests could not be made. Mend the route.', { cause: error })
  }
}
