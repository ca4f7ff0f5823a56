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
  readonly input: EnqueueInput
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
  for await (const line of linesOf(survey.path, survey.sizeBytes)) {
    const numbered = numberedOf(line, keyPrefix, hooks)
    if (numbered !== undefined) chunk.push(numbered)
    if (chunk.length < chunkSize) continue
    await hooks.room(chunk.length)
    if (hooks.isStopping()) return
    await store(engine, chunk, hooks)
    chunk = []
  }
  if (chunk.length > 0) await store(engine, chunk, hooks)
}

function numberedOf({ number, text, problem }: FileLine, keyPrefix: string, hooks: FeedHooks): Numbered | undefined {
  const parsed = text === undefined ? undefined : parseLine(text)
  if (parsed?.type !== 'operation') {
    hooks.bad(number, parsed?.reason ?? problem ?? 'can not be read')
    return undefined
  }
  if (parsed.ignored.length > 0) hooks.ignored(number, parsed.ignored)
  return { line: number, input: { ...parsed.input, idempotencyKey: parsed.input.idempotencyKey ?? `${keyPrefix}-${number}` } }
}

async function store(engine: SyncEngine, chunk: readonly Numbered[], hooks: FeedHooks): Promise<void> {
  try {
    await patiently(() => engine.enqueueAll(chunk.map(({ input }) => input)))
    hooks.stored(chunk.length)
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    await storeEach(engine, chunk, hooks)
  }
}

/** One line is refused: which, and why, shows when they come one by one. */
async function storeEach(engine: SyncEngine, chunk: readonly Numbered[], hooks: FeedHooks): Promise<void> {
  for (const { line, input } of chunk) {
    try {
      await patiently(() => engine.enqueue(input))
      hooks.stored(1)
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      hooks.bad(line, `is refused: ${error.message}`)
    }
  }
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
