import type { Outcome, ServerWishes, Transport } from '../core/ports.ts'
import { isRecord } from '../core/schema.ts'
import { checkFetched, checkOutcome, checkOutcomes, checkRequest } from './check-answer.ts'

interface Answer {
  readonly wishes?: ServerWishes | undefined
}

interface Hearing<Result> {
  readonly check?: (answer: Result) => Result
  /** Somebody stores what it brings. */
  readonly isRead?: boolean
}

/** The transport, whoever wrote it: its requests can be stored, its outcomes and entities used, and of every answer `heed` hears what the server asks for. */
export function heedingTransport(transport: Transport, heed: (answers: readonly Answer[], isRead?: boolean) => void): Transport {
  const { sendBatch, sendAtomic, pull, digest } = transport

  async function heard<Result extends Answer>(
    ask: () => Promise<Result>,
    { check, isRead = false }: Hearing<Result> = {},
  ): Promise<Result> {
    const answer = await ask()
    const known = check === undefined ? answer : check(answer)
    if (isRecord(known)) heed([known], isRead)
    return known
  }

  async function allHeard(ask: () => Promise<readonly Outcome[]>): Promise<readonly Outcome[]> {
    const known = checkOutcomes(await ask())
    heed(known)
    return known
  }

  return {
    prepare: (operation) => checkRequest(transport.prepare(operation)),
    send: (request, context) => heard(() => transport.send(request, context), { check: checkOutcome }),
    fetch: (entity, entityId, context) =>
      heard(() => transport.fetch(entity, entityId, context), { check: checkFetched, isRead: true }),
    ...(sendBatch && { sendBatch: (items, context) => allHeard(() => sendBatch.call(transport, items, context)) }),
    ...(sendAtomic && { sendAtomic: (items, context) => allHeard(() => sendAtomic.call(transport, items, context)) }),
    ...(digest && { digest: (query, context) => heard(() => digest.call(transport, query, context)) }),
    ...(pull && { pull: (request, context) => heard(() => pull.call(transport, request, context), { isRead: true }) }),
  }
}
