import type { Storage, Transport } from '../../core/ports.ts'
import { codeOf, typeOf } from './code.ts'

/** Is told of every call of a port when it has ended. */
export type CallEnded = (port: 'transport' | 'storage', call: string, ok: boolean, result: string | undefined, ms: number) => void

/** In the place of what a getter or a proxy of the application refuses to tell. */
const UNREADABLE = 'unreadable'

type Follow = <T>(call: string, answer: Promise<T>, resultOf?: (value: T) => string) => Promise<T>

/** Gives back the very promise that the port gave: what waits for it goes on as if nobody looked. */
function following(port: 'transport' | 'storage', monotonic: () => number, ended: CallEnded): Follow {
  return (call, answer, resultOf) => {
    const start = monotonic()
    void Promise.resolve(answer).then(
      (value) => ended(port, call, true, resultOf && legible(resultOf, value), monotonic() - start),
      (error: unknown) => ended(port, call, false, legible(codeOf, error), monotonic() - start),
    )
    return answer
  }
}

export function recordedTransport(transport: Transport, monotonic: () => number, ended: CallEnded): Transport {
  const follow = following('transport', monotonic, ended)
  const { sendBatch, sendAtomic, pull, digest } = transport
  return {
    prepare: (operation) => transport.prepare(operation),
    send: (request, context) => follow('send', transport.send(request, context), typeOf),
    fetch: (entity, id, context) => follow('fetch', transport.fetch(entity, id, context), typeOf),
    ...(sendBatch && { sendBatch: (items, context) => follow('sendBatch', sendBatch.call(transport, items, context), countOf) }),
    ...(sendAtomic && {
      sendAtomic: (items, context) => follow('sendAtomic', sendAtomic.call(transport, items, context), countOf),
    }),
    ...(digest && {
      digest: (request, context) => follow('digest', digest.call(transport, request, context), typeOf),
    }),
    ...(pull && { pull: (request, context) => follow('pull', pull.call(transport, request, context), typeOf) }),
  }
}

export function recordedStorage(storage: Storage, monotonic: () => number, ended: CallEnded): Storage {
  const follow = following('storage', monotonic, ended)
  const { compact, presence } = storage
  return {
    capabilities: storage.capabilities,
    open: (schema) => follow('open', storage.open(schema)),
    get: (collection, key) => follow('get', storage.get(collection, key)),
    getMany: (collection, keys) => follow('getMany', storage.getMany(collection, keys)),
    scan: (collection, query) => follow('scan', storage.scan(collection, query)),
    scanMany: (collection, queries) => follow('scanMany', storage.scanMany(collection, queries)),
    count: (collection, query) => follow('count', storage.count(collection, query)),
    commit: (writes, options) => follow('commit', storage.commit(writes, options)),
    watch: (listener) => storage.watch(listener),
    estimate: () => follow('estimate', storage.estimate()),
    close: () => follow('close', storage.close()),
    ...(compact && { compact: () => follow('compact', compact.call(storage)) }),
    ...(presence && { presence }),
  }
}

/** Nobody waits for what looks: what threw here would end a process of Node. */
function legible<T>(read: (value: T) => string, value: T): string {
  try {
    return read(value)
  } catch {
    return UNREADABLE
  }
}

function countOf({ length }: readonly unknown[]): string {
  return `${length} outcomes`
}
