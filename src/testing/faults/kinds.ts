/** What can go wrong. Each seed has a subset of these (a swarm), so that rare combinations come up and none hides another. */
export const REQUEST_FAULTS = [
  'request-lost',
  'response-lost',
  'duplicated',
  'overtaken',
  'late',
  'truncated',
  'wrong-type',
  'portal-page',
  'error-status',
  'error-after-effect',
  'in-progress',
  'key-reused',
] as const

export const TIMED_FAULTS = [
  'offline',
  'captive-portal',
  'quota',
  'read-only',
  'connection-lost',
  'blocked-open',
  'corrupt-row',
  'evicted',
  'power-loss',
  'torn-write',
  'schema-versions',
  'clock-hour',
  'clock-year',
  'throttled',
  'slept',
  'killed',
  'frozen',
  'restored-backup',
  'answers-lost',
  'cursors-expired',
  'cursor-repeated',
  'schema-change',
  'outage',
  'token-expired',
  'user-switched',
  'id-reused',
] as const

/** Drawn only in worlds that have realtime lines, after everything else. */
export const LINE_FAULTS = ['push-dropped', 'push-doubled', 'push-late', 'push-foreign', 'line-dead', 'line-closed'] as const

/** Drawn with the plot, last of all: what lies on a disk is changed behind everybody's back, and can be read all the same. */
export const DECAY_FAULTS = ['misplaced-row', 'wrong-field', 'wrong-replica'] as const

export type RequestFault = (typeof REQUEST_FAULTS)[number]
export type TimedFault = (typeof TIMED_FAULTS)[number]
export type LineFault = (typeof LINE_FAULTS)[number]
export type DecayFault = (typeof DECAY_FAULTS)[number]
export type FaultKind = RequestFault | TimedFault | LineFault | DecayFault
export const FAULTS: readonly FaultKind[] = [...REQUEST_FAULTS, ...TIMED_FAULTS, ...LINE_FAULTS, ...DECAY_FAULTS]

/** Since then a row stands where it does not belong, or says what it must not. */
export function isDecay(kind: string): kind is DecayFault {
  return DECAY_FAULTS.some((one) => one === kind)
}

const LOSING: ReadonlySet<string> = new Set<FaultKind>(['power-loss', 'evicted', 'torn-write'])

/** What was committed last may be as it was before. */
export function isLosing(kind: string): boolean {
  return LOSING.has(kind)
}
