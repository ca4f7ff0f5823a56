import { metrics, trace, type Attributes, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import type { SyncEngine } from '../../engine/types.ts'
import { measure } from './measure.ts'
import { traceOperations } from './spans.ts'

export interface ObserveOptions {
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider | undefined
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Of every measurement and span, as `{ 'app.device': 'phone' }`. */
  readonly attributes?: Attributes | undefined
  /** Whether spans name the operation and its entity by their ids. Default false: ids may tell of people. */
  readonly ids?: boolean | undefined
}

const NAME = 'synchart'

/** Exports what an engine counts, and a span for each operation that it sends. Returns the function that ends it. */
export function observeEngine(engine: SyncEngine, options: ObserveOptions = {}): () => void {
  const { attributes = {}, ids = false } = options
  const meter = (options.meterProvider ?? metrics.getMeterProvider()).getMeter(NAME)
  const tracer = (options.tracerProvider ?? trace.getTracerProvider()).getTracer(NAME)
  const endings = [measure(engine, meter, attributes), traceOperations(engine, tracer, attributes, ids)]
  return () => {
    for (const end of endings) end()
  }
}
