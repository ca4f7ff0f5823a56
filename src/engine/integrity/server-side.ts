import type { Digested, DigestRequest, Fetched, Transport } from '../../core/ports.ts'
import type { Told } from '../replica-writes.ts'
import type { EntityRow } from '../../core/schema.ts'
import { SyncError } from '../../core/errors.ts'
import { isRecord, isTexts } from '../../core/schema.ts'
import type { Clock } from '../../core/ports.ts'
import { isServerFailure, type BreakerSigns } from '../breaker-signs.ts'
import { inTime } from '../in-time.ts'

/** The server, as a check asks it. */
export interface ServerSide {
  /** Undefined where the transport has no such endpoint. */
  digest: ((request: DigestRequest) => Promise<Digested>) | undefined
  fetch(entity: string, id: string): Promise<Fetched>
  /** Brings what is new. False if that could not be done. */
  pull(entity: string): Promise<boolean>
  /** The parts of an entity that are followed; undefined if it is pulled as a whole. */
  scopesOf(entity: string): Promise<readonly string[]> | undefined
  /** Undefined where this is not the owner of the lease; false if the row has changed meanwhile. */
  putRight(entity: string, id: string, seen: EntityRow | undefined, told: Told): Promise<boolean> | undefined
  /** Whether every store keeps its id, and the schema of the entity takes it: what they refuse no pull brings. */
  takes(entity: string, id: string, told: Told): Promise<boolean>
}

export interface AskingParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly signs: BreakerSigns
  readonly limitMs: number
  readonly signal: AbortSignal
}

/** Requests of a check wait for the breaker, and tell it, as all others. */
export function createAsking({ transport, clock, signs, limitMs, signal }: AskingParts): Pick<ServerSide, 'digest' | 'fetch'> {
  async function asked<Answer extends Digested | Fetched>(
    what: string,
    ask: (signal: AbortSignal) => Promise<Answer>,
    failed: (error: SyncError) => Answer,
  ): Promise<Answer> {
    const asker = {}
    if (!signs.admit(asker)) return failed(signs.heldBack())
    const answer = await inTime(clock, limitMs, signal, { what, ask, failed })
    if (signal.aborted) signs.abandoned(asker)
    else if (answer.type === 'failed' && isServerFailure(answer.error)) signs.failed()
    else signs.succeeded()
    return answer
  }

  const { digest } = transport
  return {
    digest:
      digest === undefined
        ? undefined
        : (request) =>
            asked<Digested>(
              'digest',
              async (called) => checkDigested(await digest(request, { signal: called }), request),
              (error) => ({ type: 'failed', error }),
            ),
    fetch: (entity, id) =>
      asked<Fetched>(
        'entity',
        (called) => transport.fetch(entity, id, { signal: called }),
        (error) => ({ type: 'failed', error }),
      ),
  }
}

/** What a transport gave, whoever wrote it. */
function checkDigested(digested: Digested, { ranges }: DigestRequest): Digested {
  const { type, digests, error }: Readonly<Record<string, unknown>> = isRecord(digested) ? { ...digested } : {}
  const isUsable =
    type === 'digests' ? isDigests(digests, ranges.length) : (type === 'failed' || type === 'auth') && error instanceof SyncError
  if (isUsable) return digested
  const message =
    "The transport's digest() gave what can't be used: it must be a list of digests, one for each range, each with count and hash, and entries as pairs of id and version where they are listed. Mend the transport."
  return { type: 'failed', error: new SyncError('transport', message, { retryable: true }) }
}

function isDigests(digests: unknown, count: number): boolean {
  const isOne = (one: unknown): boolean =>
    isRecord(one) &&
    typeof one['count'] === 'number' &&
    typeof one['hash'] === 'string' &&
    (one['entries'] === undefined || isEntries(one['entries']))
  return Array.isArray(digests) && digests.length === count && digests.every(isOne)
}

function isEntries(entries: unknown): boolean {
  return Array.isArray(entries) && entries.every((pair) => isTexts(pair) && pair.length === 2)
}
