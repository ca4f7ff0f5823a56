import { ValidationError } from './errors.ts'
import { count, refuseUnknown } from './option-checks.ts'
import { isRecord } from './schema.ts'

export interface RecorderOptions {
  /** Most bytes of text that the recorder keeps, between 16 KiB and 256 MiB; the oldest lines go first. Default 1 MiB. */
  readonly maxBytes?: number | undefined
}

const DEFAULT_MAX_BYTES = 1_048_576

/** @throws ValidationError that names the option. */
export function recorderBytes(options: RecorderOptions): number {
  if (!isRecord(options))
    throw new ValidationError('recorder', 'must be an object, as { maxBytes: 1_048_576 }; leave it out to record nothing.')
  const { maxBytes = DEFAULT_MAX_BYTES, ...unknown }: RecorderOptions = options
  refuseUnknown('recorder', ['maxBytes'], unknown)
  count('recorder.maxBytes', maxBytes, 16_384, 256 * 1_048_576)
  return maxBytes
}
