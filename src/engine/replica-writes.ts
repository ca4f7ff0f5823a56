import type { Change, Fetched } from '../core/ports.ts'
import type { PullRow } from '../core/pull-row.ts'

/** What a page brings to the store. */
export interface PageWrite {
  readonly entity: string
  readonly changes: readonly Change[]
  /** Ids that the page named and that nothing could be learned of: they are there all the same. */
  readonly alsoMet: readonly string[]
  readonly row: PullRow
  /** It is of a pull from the beginning. */
  readonly isFirst?: boolean
}

/** What the server says of one entity. */
export type Told = Extract<Fetched, { type: 'found' | 'absent' }>

/** Whose writes these are; called off once the signal fires. */
export interface Writer {
  readonly epoch: number
  readonly signal: AbortSignal
}
