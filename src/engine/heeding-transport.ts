import type { ServerWishes, Transport } from '../core/ports.ts'

interface Answer {
  readonly wishes?: ServerWishes | undefined
}

/** The transport, of whose every answer `heed` hears what the server asks for. */
export function heedingTransport(transport: Transport, heed: (answers: readonly Answer[]) => void): Transport {
  const { sendBatch, sendAtomic, pull, digest } = transport

  async function heard<Result extends Answer>(answer: Promise<Result>): Promise<Result> {
    const known = await answer
    heed([known])
    return known
  }

  async function allHeard<Result extends Answer>(answers: Promise<readonly Result[]>): Promise<readonly Result[]> {
    const known = await answers
    heed(known)
    return known
  }

  return {
    prepare: (operation) => transport.prepare(operation),
    send: (request, context) => heard(transport.send(request, context)),
    fetch: (entity, entityId, context) => heard(transport.fetch(entity, entityId, context)),
    ...(sendBatch && { sendBatch: (items, context) => allHeard(sendBatch.call(transport, items, context)) }),
    ...(sendAtomic && { sendAtomic: (items, context) => allHeard(sendAtomic.call(transport, items, context)) }),
    ...(digest && { digest: (query, context) => digest.call(transport, query, context) }),
    ...(pull && { pull: (request, context) => heard(pull.call(transport, request, context)) }),
  }
}
