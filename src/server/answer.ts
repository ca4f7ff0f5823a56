/** An answer before it becomes an HTTP response or an item of a batch. `body` is JSON text. */
export interface Answer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** What is kept of the answer to a write, enough to give it again byte for byte. */
export interface StoredAnswer {
  readonly fingerprint: string
  readonly status: number
  readonly etag: string | null
  readonly body: string | null
}

export function jsonAnswer(status: number, body: string, etag?: string): Answer {
  const headers = { 'content-type': 'application/json' }
  return { status, headers: etag === undefined ? headers : { ...headers, etag }, body }
}

/** The answer of an earlier request with the same key, marked as such. */
export function replay(stored: StoredAnswer): Answer {
  const headers: Record<string, string> = { 'idempotency-replayed': 'true' }
  if (stored.etag !== null) headers['etag'] = stored.etag
  if (stored.body !== null) headers['content-type'] = stored.status < 400 ? 'application/json' : 'application/problem+json'
  return { status: stored.status, headers, body: stored.body }
}
