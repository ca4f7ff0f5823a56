import { SpanStatusCode, type Attributes, type Span, type Tracer } from '@opentelemetry/api'
import type { OperationInfo, SyncEngine, SyncEvent } from '../../engine/types.ts'

/** Operations in play or put off. Of more than these the span has no attempts. */
const OPEN_LIMIT = 10_000

/** What is told of an operation meanwhile, as events of its span. */
const MOMENTS = new Set<string>([
  'sync:started',
  'sync:retry',
  'sync:conflict',
  'sync:parked',
  'conflict:detected',
  'conflict:resolved',
])
const PUT_OFF = new Set<string>(['sync:retry', 'sync:parked'])
const ENDS = new Set<string>(['sync:completed', 'sync:failed', 'sync:cancelled', 'sync:coalesced'])

/** One span for each operation, from its enqueue to its end, in the engine that plays it. No payload is in it. */
export function traceOperations(engine: SyncEngine, tracer: Tracer, attributes: Attributes, ids: boolean): () => void {
  /** From the first attempt on: what is queued costs nothing. */
  const open = new Map<string, Span>()
  /** Whose end is waited for: in a long outage an operation is put off thousands of times. */
  const awaited = new WeakSet<Span>()

  function begun({ type, entity, entityId, id, priority, enqueuedAt }: OperationInfo): Span {
    const about = { 'synchart.entity': entity, 'synchart.operation.type': type, 'synchart.operation.priority': priority }
    const named = ids ? { 'synchart.operation.id': id, 'synchart.entity.id': entityId } : {}
    return tracer.startSpan(`${type} ${entity}`, {
      startTime: enqueuedAt,
      root: true,
      attributes: { ...attributes, ...about, ...named },
    })
  }

  function told(operation: OperationInfo, event: SyncEvent): void {
    const known = open.get(operation.id)
    // What is settled here may have ended, or be another tab's to send: no end of it would come.
    if (known === undefined && (event.type === 'conflict:resolved' || open.size >= OPEN_LIMIT)) return
    const span = known ?? begun(operation)
    open.set(operation.id, span)
    span.addEvent(event.type, momentOf(operation), event.at)
    if (PUT_OFF.has(event.type) && !awaited.has(span)) void endedElsewhere(operation.id, span)
  }

  /** Another tab may end what waits, and tells nobody here but who asks. */
  async function endedElsewhere(id: string, span: Span): Promise<void> {
    awaited.add(span)
    const { status } = await engine.operations.handle(id).settled
    if (open.get(id) !== span) return
    open.delete(id)
    span.setAttribute('synchart.operation.status', status)
    span.end()
  }

  function ended(operation: OperationInfo, event: SyncEvent): void {
    const span = open.get(operation.id) ?? begun(operation)
    open.delete(operation.id)
    const { status, attempts, lastError } = operation
    span.setAttributes({ 'synchart.operation.status': status, 'synchart.operation.attempts': attempts })
    if (event.type === 'sync:failed') {
      const code = lastError?.code ?? 'unknown'
      span.setAttribute('error.type', code)
      span.setStatus({ code: SpanStatusCode.ERROR, message: code })
    }
    span.end(event.at)
  }

  /** Who owns the lease next goes on with them, in spans of its own. */
  function leave(): void {
    for (const span of open.values()) span.end()
    open.clear()
  }

  const stop = engine.on('*', (event) => {
    if (event.type === 'lock:lost' || event.type === 'engine:stopped') return leave()
    if (!('operation' in event) || event.operation === undefined) return
    if (ENDS.has(event.type)) ended(event.operation, event)
    else if (MOMENTS.has(event.type)) told(event.operation, event)
  })
  return () => {
    stop()
    leave()
  }
}

function momentOf({ attempts, lastError }: OperationInfo): Attributes {
  return { 'synchart.operation.attempts': attempts, ...(lastError === undefined ? {} : { 'error.type': lastError.code }) }
}
