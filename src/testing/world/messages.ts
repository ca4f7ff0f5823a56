import type { Json } from '../../core/json.ts'
import { isObject } from '../../core/own.ts'

export interface ServerRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export interface ServerResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function keyOf({ headers }: ServerRequest): string | undefined {
  return /^"(.+)"$/.exec(headers['Idempotency-Key'] ?? '')?.[1]
}

export function entityIn({ path }: ServerRequest): string {
  return path.split('/')[1] ?? ''
}

export function fingerprintOf({ method, path, headers, body }: ServerRequest): string {
  return JSON.stringify([method, path, headers['If-Match'] ?? null, body === null ? {} : parsed(body)])
}

export function parsed(text: string | null): Json | undefined {
  try {
    const value: Json = JSON.parse(text ?? 'null')
    return value
  } catch {
    return undefined
  }
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** The writes that a request carries: itself, or those of a batch as if each came alone. */
export function writesIn(request: ServerRequest): readonly ServerRequest[] {
  if (request.method === 'GET') return []
  if (request.path !== '/batch') return [request]
  const body = parsed(request.body)
  const operations = body !== undefined && isObject(body) ? body['operations'] : undefined
  return isList(operations) ? operations.map((one) => requestOf(one, request.headers)) : []
}

export function isAtomicBatch({ body }: ServerRequest): boolean {
  const value = parsed(body)
  return value !== undefined && isObject(value) && value['atomic'] === true
}

/** An operation of a batch as if it came alone. */
function requestOf(one: Json, outer: Readonly<Record<string, string>>): ServerRequest {
  const { method = '', path = '', headers = {}, body = null } = isObject(one) ? one : {}
  const own = isObject(headers) ? Object.entries(headers).map(([name, value]) => [name, textOf(value)] as const) : []
  return {
    method: textOf(method),
    path: textOf(path),
    headers: { 'Synchart-Client': outer['Synchart-Client'] ?? '', ...Object.fromEntries(own) },
    body: body === null ? null : JSON.stringify(body),
  }
}

export function resultOf({ status, headers, body }: ServerResponse): { status: number; headers: object; body: Json } {
  return { status, headers, body: body === '' ? null : (parsed(body) ?? null) }
}

/** A key as the server keeps it: each user has keys of their own. */
export function keyIn(user: string, request: ServerRequest): string {
  return `${user} ${keyOf(request) ?? ''}`
}
