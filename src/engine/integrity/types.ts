import type { Scalar } from '../../core/ports.ts'

export interface CheckOptions {
  /** Mends what follows from the rest, and sets aside what can't be read. Default false: only looks. */
  readonly repair?: boolean | undefined
  /** These kinds of entities only. Default: all. */
  readonly entities?: readonly string[] | undefined
  /** Compares with the server, where the transport has `digest`, what of the replica is pulled. Default false. */
  readonly server?: boolean | undefined
}

/**
 * `unreadable`: the row can't be decoded or is of another shape; `field`: a field contradicts the others; `place`: it does not stand in an index where it
 * belongs, or stands where it does not; `dependency`, `transaction`, `superseded`, `conflict`: what it names is not there, or not what it must be; `invariant`,
 * `reference`: what the application has declared does not hold; `differs`: the server has something else.
 */
export type ProblemCode =
  | 'unreadable'
  | 'field'
  | 'place'
  | 'dependency'
  | 'transaction'
  | 'superseded'
  | 'conflict'
  | 'invariant'
  | 'reference'
  | 'differs'

export type Repaired = 'mended' | 'quarantined' | 'none'

export interface Problem {
  readonly code: ProblemCode
  readonly collection: string
  /** Of the row; of an operation its number, as in `#12`. */
  readonly key: Scalar
  readonly operationId?: string
  readonly entity?: string
  readonly entityId?: string
  /** What is wrong, and what to do where it was not mended. */
  readonly message: string
  readonly repaired: Repaired
}

export interface CheckResult {
  /** How many rows, or entities for invariants and the server, were looked at. */
  readonly checked: {
    readonly operations: number
    readonly entities: number
    readonly conflicts: number
    readonly meta: number
    readonly invariants: number
    readonly references: number
    readonly compared: number
  }
  /** The first 100. */
  readonly problems: readonly Problem[]
  readonly total: number
  readonly mended: number
  readonly quarantined: number
  /** What could not be judged, and why: too much changed meanwhile, or the server could not be asked. */
  readonly undecided: readonly string[]
  readonly durationMs: number
  /** Nothing was found, or all of it was mended. */
  readonly isSound: boolean
}
