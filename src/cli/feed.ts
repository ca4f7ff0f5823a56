import { setTimeout as sleep } from 'node:timers/promises'
import { SyncError, ValidationError } from '../core/errors.ts'
import type { EnqueueInput, SyncEngine } from '../engine/types.ts'
import { linesOf, type FileLine, type Survey } from './file-lines.ts'
import { parseLine } from './line.ts'

export interface FeedHooks {
  /** A line that is no operation; the others go on. */
  bad(line: number, reason: string): void
  /** A line had fields that nothing is known of. */
  ignored(line: number, fields: readonly string[]): void
  /** So many more operations are in the store, whether they are new to it or not. */
  stored(count: number): void
  isStopping(): boolean
  /** Resolves when so many more operations may be stored. */
  room(count: number): Promise<void>
}

export interface FeedOptions {
  /** Of the idempotency keys: the same line under the same prefix is the same operation, however often the file is pushed. */
  readonly keyPrefix: string
  /** So many operations are stored together. */
  readonly chunkSize: number
}

interface Numbered {
  readonly line: number
  /** Undefined: the line is no operation, for this reason. */
  readonly input: EnqueueInput | undefined
  readonly reason?: string
  readonly ignored?: readonly string[]
}

export const CHUNK = 500
const STORE_TRIES = 20
const STORE_RETRY_MS = 100

/**
 * Enqueues every operation of the file, in its order. A chunk is stored whole or not at all, and the next one only after it: so what is in the store is
 * always a beginning of the file, and the same command goes on from there.
 * @throws StorageError if the store fails for good.
 */
export async function feed(
  engine: SyncEngine,
  survey: Survey,
  { keyPrefix, chunkSize }: FeedOptions,
  hooks: FeedHooks,
): Promise<void> {
  let chunk: Numbered[] = []

  async function take(): Promise<void> {
    await hooks.room(chunk.length)
    if (!hooks.isStopping()) await store(engine, chunk, hooks)
    chunk = []
  }

  for await (const line of linesOf(survey.path, survey.sizeBytes)) {
    chunk.push(numberedOf(line, keyPrefix))
    if (chunk.length === chunkSize) await take()
    if (hooks.isStopping()) return
  }
  if (chunk.length > 0) await take()
}

function numberedOf({ number: line, text, problem }: FileLine, keyPrefix: string): Numbered {
  const parsed = text === undefined ? undefined : parseLine(text)
  if (parsed?.type !== 'operation') return { line, input: undefined, reason: parsed?.reason ?? problem ?? 'can not be read' }
  const { input, ignored } = parsed
  return { line, input: { ...input, idempotencyKey: input.idempotencyKey ?? `${keyPrefix}-${line}` }, ignored }
}

async function store(engine: SyncEngine, chunk: readonly Numbered[], hooks: FeedHooks): Promise<void> {
  const refusals = await storeAll(engine, chunk, hooks)
  // In the order of the file, whoever found it.
  for (const { line, reason = refusals.get(line), ignored = [] } of chunk) {
    if (reason !== undefined) hooks.bad(line, reason)
    if (ignored.length > 0) hooks.ignored(line, ignored)
  }
}

/** Returns what was refused, by line. */
async function storeAll(engine: SyncEngine, chunk: readonly Numbered[], hooks: FeedHooks): Promise<ReadonlyMap<number, string>> {
  const inputs = chunk.flatMap(({ input }) => input ?? [])
  if (inputs.length === 0) return new Map()
  try {
    await patiently(() => engine.enqueueAll(inputs))
    hooks.stored(inputs.length)
    return new Map()
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return storeEach(engine, chunk, hooks)
  }
}

/** One line is refused: which, and why, shows when they come one by one. */
async function storeEach(engine: SyncEngine, chunk: readonly Numbered[], hooks: FeedHooks): Promise<ReadonlyMap<number, string>> {
  const refusals = new Map<number, string>()
  for (const { line, input } of chunk) {
    if (input === undefined) continue
    try {
      await patiently(() => engine.enqueue(input))
      hooks.stored(1)
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      refusals.set(line, `is refused: ${error.message}`)
    }
  }
  return refusals
}

/** Others write the store as well, perhaps the same lines. */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await work()
      return
    } catch (error) {
      if (!(error instanceof SyncError && error.retryable) || tries === STORE_TRIES) throw error
    }
    await sleep(STORE_RETRY_MS)
  }
}
