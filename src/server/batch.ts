import { replay, type Answer, type StoredAnswer } from './answer.ts'
import { isObject, parseJson } from './body.ts'
import type { HeaderLookup } from './conditions.ts'
import type { Settings } from './options.ts'
import { problemAnswer, Refusal } from './problems.ts'
import type { Store } from './store.ts'
import { executeWrite } from './write.ts'
import { readWrite } from './write-request.ts'
import type { WriteRequest } from './write-request.ts'

const maxOperations = 1000

interface Item {
  readonly method: string
  readonly path: string
  readonly headers: ReadonlyMap<string, string>
  /** A JSON value; or the text of one, as it would be sent alone. */
  readonly body: unknown
}

export interface Batch {
  readonly atomic: boolean
  /** A write, or the answer to an item that is no proper write. */
  readonly items: readonly (WriteRequest | Answer)[]
}

/** @throws Refusal 400 or 413 if the batch itself is malformed or too long. */
export function readBatch(value: unknown, user: string, header: HeaderLookup, settings: Settings): Batch {
  if (!isObject(value)) throw new Refusal('invalid-batch', 'Send { "atomic": boolean, "operations": [...] }.')
  const { atomic = false, operations } = value
  if (typeof atomic !== 'boolean') throw new Refusal('invalid-batch', 'atomic must be true or false.')
  if (!Array.isArray(operations)) throw new Refusal('invalid-batch', 'operations must be an array.')
  if (operations.length > maxOperations)
    throw new Refusal('content-too-large', `Send at most ${maxOperations} operations in a batch.`)
  const client = header('synchart-client')
  return {
    atomic,
    items: operations.map((operation: unknown, index) => readOperation(readItem(operation, index), user, client, settings)),
  }
}

function readItem(value: unknown, index: number): Item {
  const wrong = (what: string) => new Refusal('invalid-batch', `operations[${index}]${what}`)
  if (!isObject(value)) throw wrong(' must be an object.')
  const { method, path, headers = {}, body = null } = value
  if (typeof method !== 'string') throw wrong('.method must be a text.')
  if (typeof path !== 'string') throw wrong('.path must be a text.')
  if (!isObject(headers)) throw wrong('.headers must be an object.')
  const lookup = new Map<string, string>()
  for (const [name, text] of Object.entries(headers)) {
    if (typeof text !== 'string') throw wrong(`.headers[${JSON.stringify(name)}] must be a text.`)
    lookup.set(name.toLowerCase(), text)
  }
  return { method, path, headers: lookup, body }
}

function readOperation(item: Item, user: string, client: string | undefined, settings: Settings): WriteRequest | Answer {
  const header = (name: string) => item.headers.get(name) ?? defaultHeader(name, item.method, client)
  const body = () => (typeof item.body === 'string' ? parseJson(item.body) : item.body)
  try {
    return readWrite({ user, method: item.method, path: item.path, header, body }, settings)
  } catch (error) {
    if (error instanceof Refusal) return error.answer
    throw error
  }
}

/** What an item need not repeat: the client, and the content type that its method takes. */
function defaultHeader(name: string, method: string, client: string | undefined): string | undefined {
  if (name === 'synchart-client') return client
  if (name === 'content-type') return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  return undefined
}

/** The answers in the order of the items. One transaction either way; in a batch that is not atomic each item stands for itself. */
export function executeBatch(
  store: Store,
  settings: Settings,
  batch: Batch,
  onError: (error: unknown) => void,
): readonly Answer[] {
  return batch.atomic ? executeAtomic(store, settings, batch.items) : executeEach(store, settings, batch.items, onError)
}

/** Savepoints cost as much as a statement each, and are of use only if an item breaks: then the batch runs a second time, with them. */
function executeEach(
  store: Store,
  settings: Settings,
  items: Batch['items'],
  onError: (error: unknown) => void,
): readonly Answer[] {
  const plain = (item: WriteRequest): Answer => executeWrite(store, settings, item)
  const guarded = (item: WriteRequest): Answer => {
    try {
      return store.savepoint(() => plain(item))
    } catch (error) {
      onError(error)
      return problemAnswer('internal', 'The operation was not applied. Try again with the same key.')
    }
  }
  const run = (execute: (item: WriteRequest) => Answer) =>
    store.transaction(() => items.map((item) => ('status' in item ? item : execute(item))))
  try {
    return run(plain)
  } catch {
    return run(guarded)
  }
}

/** Leaves the transaction with what must be told, so that it is rolled back. */
class Aborted extends Error {
  readonly answers: readonly Answer[]
  /** It was refused by what the resources are, so the refusal stays. */
  readonly isKept: boolean
  constructor(answers: readonly Answer[], isKept: boolean) {
    super('The batch is rolled back.')
    this.answers = answers
    this.isKept = isKept
  }
}

function executeAtomic(store: Store, settings: Settings, items: Batch['items']): readonly Answer[] {
  const known = items.flatMap((item) => ('status' in item ? [] : (keptAnswer(store, settings, item) ?? [])))
  if (known.length === items.length) return known.map(replay)
  const run = (item: WriteRequest | Answer, index: number): Answer => {
    const answer = 'status' in item ? item : executeWrite(store, settings, item)
    if (answer.status < 400) return answer
    const isKept = !('status' in item) && keptAnswer(store, settings, item) !== undefined
    throw new Aborted(abortedBy(index, answer, items.length), isKept)
  }
  try {
    return store.transaction(() => items.map(run))
  } catch (error) {
    if (!(error instanceof Aborted)) throw error
    if (error.isKept) keepRefusal(store, settings, items, error.answers)
    return error.answers
  }
}

function keptAnswer(store: Store, settings: Settings, { user, key, fingerprint }: WriteRequest): StoredAnswer | undefined {
  const kept = store.answer(user, key, settings.now() - settings.idempotencyTtlMs)
  return kept?.fingerprint === fingerprint ? kept : undefined
}

/** A copy of the batch that comes late, when it would be taken, must not have the effect that its client was told there is none of. */
function keepRefusal(store: Store, settings: Settings, items: Batch['items'], answers: readonly Answer[]): void {
  const atMs = settings.now()
  store.transaction(() => {
    for (const [index, item] of items.entries()) {
      const answer = answers[index]
      if ('status' in item || answer === undefined) continue
      const { user, key, fingerprint } = item
      if (store.answer(user, key, atMs - settings.idempotencyTtlMs) !== undefined) continue
      store.keepAnswer(user, key, atMs, { fingerprint, status: answer.status, etag: null, body: answer.body })
    }
  })
}

function abortedBy(failed: number, answer: Answer, count: number): readonly Answer[] {
  const others = problemAnswer(
    'batch-aborted',
    `Nothing was applied, because operations[${failed}] was refused with ${answer.status}.`,
  )
  return Array.from({ length: count }, (_, index) => (index === failed ? answer : others))
}

/** `{ "results": [{ "status", "headers", "body" }] }`, the bodies as JSON values. */
export function batchBody(answers: readonly Answer[]): string {
  const results = answers.map(
    ({ status, headers, body }) => `{"status":${status},"headers":${JSON.stringify(headers)},"body":${body ?? 'null'}}`,
  )
  return `{"results":[${results.join(',')}]}`
}
