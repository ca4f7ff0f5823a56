import type { Attributes, MeterProvider, TracerProvider } from '@opentelemetry/api'
import { ValidationError } from '../../core/errors.ts'
import { checkEngine } from '../../core/option-checks.ts'
import { isRecord } from '../../core/schema.ts'
import type { SyncEngine } from '../../engine/types.ts'

export interface ObserveOptions {
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider | undefined
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Of every measurement and span, as `{ 'app.device': 'phone' }`. Several engines in one process need different ones. */
  readonly attributes?: Attributes | undefined
  /** Whether spans name the operation and its entity by their ids. Default false: ids may tell of people. */
  readonly ids?: boolean | undefined
}

/** @throws ValidationError that names what is wrong. */
export function checkObserved(engine: SyncEngine, options: ObserveOptions): void {
  checkEngine(engine)
  if (!isRecord(options)) throw new ValidationError('options', 'must be an object.')
  const { meterProvider, tracerProvider, attributes, ids }: Record<string, unknown> = options
  checkProvider('meterProvider', meterProvider, 'getMeter')
  checkProvider('tracerProvider', tracerProvider, 'getTracer')
  if (attributes !== undefined && !isRecord(attributes))
    throw new ValidationError('attributes', "must be an object, as { 'app.device': 'phone' }.")
  if (ids !== undefined && typeof ids !== 'boolean') throw new ValidationError('ids', 'must be true or false.')
}

function checkProvider(path: string, given: unknown, maker: string): void {
  if (given !== undefined && !(isRecord(given) && typeof given[maker] === 'function'))
    throw new ValidationError(path, 'must be one of OpenTelemetry, or left out for the global one.')
}
