import { MAX_DRIFT_MS, compareHlc, decodeHlc, type Hlc } from './hlc.ts'
import type { Json } from './json.ts'

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/
const MAX_MS = 8_640_000_000_000_000

/** When a value was written, as the value says it: an HLC, an ISO date with its zone, or milliseconds since 1970. */
export type Stamp = Hlc | { readonly ms: number }

export function readStamp(json: Json | undefined): Stamp | undefined {
  if (typeof json === 'number') return json >= 0 && json <= MAX_MS ? { ms: json } : undefined
  if (typeof json !== 'string') return undefined
  const hlc = decodeHlc(json)
  if (hlc !== undefined || !ISO_DATE.test(json)) return hlc
  const ms = Date.parse(json)
  return Number.isNaN(ms) ? undefined : { ms }
}

export function isHlc(stamp: Stamp): stamp is Hlc {
  return 'node' in stamp
}

/**
 * Which side was written last. A stamp that is missing, unreadable or further ahead of this device's clock than MAX_DRIFT_MS tells
 * nothing: then the write that reaches the server last is the last one, which is the local.
 */
export function laterSide(local: Stamp | undefined, remote: Stamp | undefined, nowMs: number): 'local' | 'remote' {
  const isKnown = [local, remote].every((stamp) => stamp !== undefined && stamp.ms - nowMs <= MAX_DRIFT_MS)
  return isKnown && local !== undefined && remote !== undefined && compareStamps(local, remote) < 0 ? 'remote' : 'local'
}

function compareStamps(a: Stamp, b: Stamp): number {
  return isHlc(a) && isHlc(b) ? compareHlc(a, b) : a.ms - b.ms
}
