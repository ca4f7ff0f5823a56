import type { Outcome, BatchItem } from '../../core/ports.ts'
import { BATCH_UNSUPPORTED, ClientError } from '../../core/errors.ts'
import { pausedByServer } from '../../core/held-back.ts'
import type { Wished } from '../../core/server-wishes-port.ts'
import { readResults } from './batch-results.ts'
import { wishesOf, type Answer, type Exchange } from './exchange.ts'
import type { BatchOptions, HttpSettings } from './options.ts'
import { byteLength, exceeds, invalidRequest, outcomeOf, sendOne, tooLarge, wireHeaders } from './send.ts'

export interface BatchContext {
  readonly clientId: string
  readonly signal: AbortSignal
}

export type SendBatch = (items: readonly BatchItem[], context: BatchContext) => Promise<readonly Outcome[]>

const OPEN = '{"atomic":false,"operations":['
const OPEN_ATOMIC = '{"atomic":true,"operations":['
const CLOSE = ']}'
/** Answers repeat whole entities where requests hold only their changes. */
const ANSWER_FACTOR = 8

/** An operation as it stands in the envelope, and its place among those that were given. */
interface Part {
  readonly index: number
  readonly method: string
  readonly text: string
}

/** It fits into a request, but not into one with an envelope. */
const ALONE = 'alone'

type Encoded = Part | Outcome | typeof ALONE

/**
 * Sends operations in as few requests as the limits allow, one request after the other; none after one that failed as a whole, or whose answer asks for
 * a pause.
 * Never rejects.
 */
export function createSendBatch(settings: HttpSettings, batch: Required<BatchOptions>, exchange: Exchange): SendBatch {
  return async (items, context) => {
    const encoded = items.map((item, index) => encode(settings, item, index, context.clientId))
    const outcomes = encoded.map((one) => (one !== ALONE && 'type' in one ? one : undefined))
    let stopped: Outcome | undefined
    for (const parts of chunks(encoded, batch.maxOperations, settings.maxBodyBytes)) {
      const sent = stopped === undefined ? await sendChunk(settings, batch.path, exchange, parts, context) : whole(parts, stopped)
      parts.forEach((part, at) => (outcomes[part.index] = sent.results[at]))
      stopped = sent.rest
    }
    for (const [index, item] of items.entries()) {
      if (encoded[index] !== ALONE) continue
      const outcome = stopped ?? (await sendOne(settings, exchange, item.request, { ...item, ...context }))
      outcomes[index] = outcome
      stopped ??= paused(outcome)
    }
    return outcomes.map((outcome) => outcome ?? invalidRequest())
  }
}

/** Sends operations in one request, of which all are applied or none. What does not fit into one is refused. Never rejects. */
export function createSendAtomic(settings: HttpSettings, batch: Required<BatchOptions>, exchange: Exchange): SendBatch {
  return async (items, context) => {
    const encoded = items.map((item, index) => encode(settings, item, index, context.clientId))
    const parts = encoded.filter(isPart)
    if (parts.length < items.length)
      return encoded.map((one) => (isPart(one) || one === ALONE ? tooLarge(settings.maxBodyBytes) : one))
    const [chunk, more] = [...chunks(parts, batch.maxOperations, settings.maxBodyBytes)]
    if (chunk === undefined || more !== undefined) return items.map(() => tooLarge(settings.maxBodyBytes))
    return (await sendChunk(settings, batch.path, exchange, chunk, context, OPEN_ATOMIC)).results
  }
}

function isPart(one: Encoded): one is Part {
  return one !== ALONE && !('type' in one)
}

interface ChunkResult {
  readonly results: readonly Outcome[]
  /** What becomes of the operations that were not sent, if this request failed as a whole or is followed by a pause. */
  readonly rest?: Outcome | undefined
}

async function sendChunk(
  settings: HttpSettings,
  path: string,
  exchange: Exchange,
  parts: readonly Part[],
  context: BatchContext,
  open = OPEN,
): Promise<ChunkResult> {
  const request = {
    method: 'POST',
    path,
    headers: { 'Content-Type': 'application/json', 'Synchart-Client': context.clientId },
    body: open + parts.map((part) => part.text).join(',') + CLOSE,
    maxResponseBytes: settings.maxResponseBytes * ANSWER_FACTOR,
  }
  const answer = await exchange(request, context.signal)
  if (answer.type === 'none') return whole(parts, answer.outcome)
  const isAtomic = open === OPEN_ATOMIC
  if (answer.status < 200 || answer.status > 299) return whole(parts, refusal(answer, isAtomic))
  const results = readResults(answer, parts, isAtomic)
  if ('type' in results) return whole(parts, { ...results, ...wishesOf(answer) })
  return { results: results.map((result) => ({ ...result, ...wishesOf(answer) })), rest: paused(wishesOf(answer)) }
}

/** What becomes of those that an answer before them keeps from being sent: as with a breaker, that is no attempt. */
function paused({ wishes }: Wished): Outcome | undefined {
  const pauseMs = wishes?.pauseMs ?? 0
  return pauseMs === 0 ? undefined : { type: 'retry', error: pausedByServer(pauseMs) }
}

function whole(parts: readonly Part[], outcome: Outcome): ChunkResult {
  const rest: Outcome = outcome.type === 'unknown' ? { ...outcome, type: 'retry' } : outcome
  return { results: parts.map(() => outcome), rest }
}

const NO_ENDPOINT: ReadonlySet<number> = new Set([404, 405, 410, 415, 501])

/**
 * The endpoint's refusal says nothing of the operations: they are sent one by one, and judged one by one. Of an atomic batch it does, if there is such an
 * endpoint: then the whole is judged.
 */
function refusal(answer: Answer, isAtomic: boolean): Outcome {
  const outcome = outcomeOf(answer, 'POST')
  if (outcome.type !== 'rejected' && outcome.type !== 'conflict') return outcome
  if (isAtomic && !NO_ENDPOINT.has(answer.status)) return outcome
  const { status } = answer
  const message = `The server does not take this batch request (${status}); its operations are sent one by one. Set batch: false if the API has no batch endpoint.`
  const error = new ClientError(message, { code: BATCH_UNSUPPORTED, status, cause: outcome.error })
  return { type: 'retry', error, ...wishesOf(answer) }
}

function encode(settings: HttpSettings, item: BatchItem, index: number, clientId: string): Encoded {
  const { request } = item
  const headers = wireHeaders(request, { ...item, clientId })
  if (headers === undefined || !isJson(request.body)) return invalidRequest()
  if (request.body !== null && exceeds(request.body, settings.maxBodyBytes)) return tooLarge(settings.maxBodyBytes)
  const head = JSON.stringify({ method: request.method, path: request.path, headers })
  const text = `${head.slice(0, -1)},"body":${request.body ?? 'null'}}`
  if (exceeds(OPEN + text + CLOSE, settings.maxBodyBytes)) return ALONE
  return { index, method: request.method, text }
}

/** The frozen body goes into the envelope as it is; a damaged one must not change what stands beside it. */
function isJson(body: string | null): boolean {
  if (body === null) return true
  try {
    JSON.parse(body)
    return true
  } catch {
    return false
  }
}

function* chunks(encoded: readonly Encoded[], maxOperations: number, maxBytes: number): Generator<readonly Part[]> {
  let parts: Part[] = []
  let bytes = OPEN.length + CLOSE.length
  for (const part of encoded) {
    if (!isPart(part)) continue
    const size = byteLength(part.text) + 1
    if (parts.length === maxOperations || (parts.length > 0 && bytes + size > maxBytes)) {
      yield parts
      parts = []
      bytes = OPEN.length + CLOSE.length
    }
    parts.push(part)
    bytes += size
  }
  if (parts.length > 0) yield parts
}
