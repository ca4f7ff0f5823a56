import type { SyncError } from '../../core/errors.ts'
import type { Ageing } from '../../core/rows.ts'
import type { Fence } from '../../core/ports.ts'
import type { Declared } from './invariants.ts'
import type { ServerSide } from './server-side.ts'
import type { Store } from '../store.ts'

/** Where a check is done: by an engine, or on a store that nobody has open. */
export interface Site {
  readonly store: Store
  /** Whose rows are looked at; undefined: everybody's. */
  readonly user: string | undefined
  readonly ageingMs: Ageing
  /** Milliseconds since 1970. */
  now(): number
  /**
   * Runs a repair, which tells whether it has written, while nobody else writes what only the owner of the lease does; false if this is not the owner.
   * `next` is a revision for an entity, higher than any that somebody has seen.
   */
  asOwner(repair: (fence: Fence, next: number) => Promise<boolean>): Promise<boolean>
  /** Undefined where there is none to ask. */
  readonly server: ServerSide | undefined
  /** What the application has declared. */
  readonly declared: Declared
  /** The name of this store towards the server. */
  installId(): string
  /** An operation stays where it is, and its lane waits. */
  quarantined(sequence: number, error: SyncError): void
  /** Operations were mended: who sends them looks again. */
  mended(): void
  /** It is not known any more how far this kind of entity was pulled: who pulls begins anew. */
  pullsForgotten(entity: string): void
}

/** What one check is to do. */
export interface Task extends Site {
  readonly repair: boolean
  /** The server may be asked. */
  readonly isCompared: boolean
  /** Whether rows about this kind of entity are looked at. */
  concerns(entity: string): boolean
}

export function isOwn({ user }: Site, other: string): boolean {
  return user === undefined || user === other
}
