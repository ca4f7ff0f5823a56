import { hash } from 'node:crypto'
import type { JsonObject } from '../core/json.ts'
import { checkMediaType, checkObject } from './body.ts'
import { readConditions } from './conditions.ts'
import type { Conditions, HeaderLookup } from './conditions.ts'
import type { Settings } from './options.ts'
import { Refusal } from './problems.ts'

const methods = ['POST', 'PATCH', 'PUT', 'DELETE'] as const
export type WriteMethod = (typeof methods)[number]

/** A write that has passed every check that needs no database. */
export interface WriteRequest {
  readonly user: string
  readonly client: string | null
  readonly sequence: number | null
  readonly key: string
  readonly method: WriteMethod
  readonly entity: string
  readonly id: string
  /** The body; empty for DELETE. */
  readonly value: JsonObject
  readonly conditions: Conditions
  /** The same for the same method, resource, body and conditions, sent alone or in a batch. */
  readonly fingerprint: string
}

/** The id of what is to get one. */
export const UNASSIGNED = ''

export interface RawWrite {
  readonly user: string
  readonly method: string
  /** As it was sent, percent-encoded. */
  readonly path: string
  readonly header: HeaderLookup
  /** The parsed body. Not looked at for DELETE. */
  readonly body: () => unknown
}

/** @throws Refusal 400, 404, 405, 415 or 422. */
export function readWrite(raw: RawWrite, rules: Pick<Settings, 'entityAllowed' | 'assignsId'>): WriteRequest {
  const target = readPath(raw.path, rules.entityAllowed)
  const method = readMethod(raw.method, target.id !== undefined)
  const { user, header } = raw
  const key = readKey(header('idempotency-key'))
  checkMediaType(method, header('content-type'))
  const conditions = readConditions(header)
  const value = method === 'DELETE' ? {} : checkObject(raw.body())
  const isAssigned = method === 'POST' && rules.assignsId(target.entity)
  const id = isAssigned ? UNASSIGNED : checkId(target.id ?? value['id'])
  if (method !== 'POST' && 'id' in value && value['id'] !== id)
    throw new Refusal('invalid-id', 'The id in the body must be the one in the path.')
  const client = readClient(header('synchart-client'))
  const sequence = readSequence(header('synchart-sequence'))
  const request = { user, client, sequence, key, method, entity: target.entity, id, value, conditions }
  return { ...request, fingerprint: fingerprintOf(request) }
}

/** Splits `/{entity}` or `/{entity}/{id}`; a query is not looked at. @throws Refusal 400 or 404. */
export function readPath(path: string, entityAllowed: (name: string) => boolean): { entity: string; id: string | undefined } {
  const query = path.indexOf('?')
  const [empty, entity, id, ...more] = (query === -1 ? path : path.slice(0, query)).split('/')
  if (empty !== '' || entity === undefined || more.length > 0)
    throw new Refusal('not-found', 'Use /{entity} or /{entity}/{id}, the id percent-encoded.')
  if (!entityAllowed(entity))
    throw new Refusal('unknown-entity', `This server has no entity ${JSON.stringify(entity.slice(0, 64))}.`)
  return { entity, id: id === undefined ? undefined : decode(id) }
}

function decode(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    throw new Refusal('invalid-request', 'The id in the path must be UTF-8, percent-encoded.')
  }
}

function readMethod(method: string, hasId: boolean): WriteMethod {
  const known = methods.find((candidate) => candidate === method)
  if (known !== undefined && (known === 'POST') !== hasId) return known
  const allow = hasId ? 'GET, PATCH, PUT, DELETE' : 'GET, POST'
  throw new Refusal('method-not-allowed', `Use ${allow} here.`, { allow })
}

/** @throws Refusal 422 unless it is well-formed text of 1 to 1,024 bytes that can stand in a path. */
function checkId(id: unknown): string {
  if (typeof id !== 'string' || id === '') throw new Refusal('invalid-id', 'The id must be a text that is not empty.')
  if (id === '.' || id === '..') throw new Refusal('invalid-id', 'The ids . and .. can not be sent in a path.')
  if (/[\p{Cc}\p{Cs}]/u.test(id)) throw new Refusal('invalid-id', 'The id must not hold control characters or lone surrogates.')
  if (Buffer.byteLength(id) > 1024) throw new Refusal('invalid-id', 'The id must not be longer than 1,024 bytes in UTF-8.')
  return id
}

/** A structured-field string (RFC 9651, 3.3.3), as draft-ietf-httpapi-idempotency-key-header asks. */
function readKey(header: string | undefined): string {
  if (header === undefined) throw new Refusal('idempotency-key-missing', 'Send a header like Idempotency-Key: "<unique text>".')
  const found = /^ *"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)" *$/.exec(header)
  const key = found?.[1]?.replace(/\\(["\\])/g, '$1')
  if (key !== undefined && key !== '' && key.length <= 255) return key
  throw new Refusal('idempotency-key-malformed', 'The key must be 1 to 255 printable ASCII characters in double quotes.')
}

function readClient(header: string | undefined): string | null {
  if (header === undefined) return null
  if (/^[\x21-\x7e]{1,128}$/.test(header)) return header
  throw new Refusal('invalid-header', 'Synchart-Client must be 1 to 128 visible ASCII characters.')
}

function readSequence(header: string | undefined): number | null {
  if (header === undefined) return null
  if (/^\d{1,15}$/.test(header)) return Number(header)
  throw new Refusal('invalid-header', 'Synchart-Sequence must be an integer of up to 15 digits.')
}

/** The body goes in as it is serialised again, so that spaces and the way it was wrapped make no difference. */
function fingerprintOf(request: Omit<WriteRequest, 'fingerprint'>): string {
  const { method, entity, id, conditions, value } = request
  return hash(
    'sha256',
    JSON.stringify([method, entity, id, conditions.ifMatch ?? null, conditions.ifNoneMatch ?? null, value]),
    'base64url',
  )
}
