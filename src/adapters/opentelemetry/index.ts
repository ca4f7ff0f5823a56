import { metrics, trace } from '@opentelemetry/api'
import type { SyncEngine } from '../../engine/types.ts'
import { measure } from './measure.ts'
import { checkObserved, type ObserveOptions } from './options.ts'
import { traceOperations } from './spans.ts'

export type { ObserveOptions }

const NAME = 'synchart'

/** Exports what an engine counts, and a span for each operation that it sends. Returns the function that ends it. @throws ValidationError that names what is wrong. */
export function observeEngine(engine: SyncEngine, options: ObserveOptions = {}): () => void {
  checkObserved(engine, options)
  const { attributes = {}, ids = false } = options
  const meter = (options.meterProvider ?? metrics.getMeterProvider()).getMeter(NAME)
  const tracer = (options.tracerProvider ?? trace.getTracerProvider()).getTracer(NAME)
  const endings = [measure(engine, meter, attributes), traceOperations(engine, tracer, attributes, ids)]
  return () => {
    for (const end of endings) end()
  }
}
