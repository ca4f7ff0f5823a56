import type { SyncError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'
import type { Wished } from './server-wishes-port.ts'

/**
 * What became of an attempt.
 * - `retry`: certainly not applied, try again with the same key;
 * - `unknown`: it may have been applied, try again with the same key and bytes, never roll back;
 * - `conflict`: certainly not applied, the server's state must be looked at first;
 * - `auth`: certainly not applied, credentials are needed;
 * - `rejected`: final. `definite` is false where an earlier attempt of the same key may still have been applied (a gateway's refusal, a page instead of JSON, a reused key).
 */
export type Outcome = Wished &
  (
    | {
        readonly type: 'applied'
        readonly version?: string | undefined
        readonly value?: Json | undefined
        /** The id that the server gave to what was created. Default: the one in the value. */
        readonly id?: string | undefined
      }
    | { readonly type: 'retry'; readonly error: SyncError; readonly retryAfterMs?: number | undefined }
    | { readonly type: 'unknown'; readonly error: SyncError; readonly retryAfterMs?: number | undefined }
    | { readonly type: 'conflict'; readonly error: SyncError; readonly reason: 'stale' | 'exists' | 'precondition-required' }
    | { readonly type: 'auth'; readonly error: SyncError }
    | { readonly type: 'rejected'; readonly error: SyncError; readonly definite: boolean }
  )

export type Fetched = Wished &
  (
    | { readonly type: 'found'; readonly value: JsonObject; readonly version?: string | undefined }
    | { readonly type: 'absent' }
    | { readonly type: 'failed'; readonly error: SyncError; readonly retryAfterMs?: number | undefined }
    /** Credentials are needed. */
    | { readonly type: 'auth'; readonly error: SyncError }
  )
