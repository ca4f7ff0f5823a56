import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** The real SDK of OpenTelemetry, whose exporters keep what they get. */
export interface Telemetry {
  readonly meterProvider: MeterProvider
  readonly tracerProvider: BasicTracerProvider
  /** What is collected now, by name. */
  metrics(): Promise<ReadonlyMap<string, MetricData>>
  spans(): readonly ReadableSpan[]
  end(): Promise<void>
}

export function inMemoryTelemetry(): Telemetry {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const spanExporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] })
  return {
    meterProvider,
    tracerProvider,
    async metrics() {
      exporter.reset()
      await reader.forceFlush()
      const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      return new Map(found.map((metric) => [metric.descriptor.name, metric]))
    },
    spans: () => spanExporter.getFinishedSpans(),
    async end() {
      await meterProvider.shutdown()
      await tracerProvider.shutdown()
    },
  }
}
