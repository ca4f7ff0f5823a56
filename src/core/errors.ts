/**
 * Every failure of synchart is one of these classes. `code` is stable and meant for programs, the message for people: it says
 * what happened and what to do. `cause` keeps the error underneath.
 */
export class SyncError extends Error {
  override readonly name: string = 'SyncError'
  readonly code: string
  /** True if the same thing may succeed later without anybody changing anything. */
  readonly retryable: boolean

  constructor(code: string, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

interface HttpDetails {
  readonly cause?: unknown
  /** HTTP status, if there was an answer. */
  readonly status?: number | undefined
}

/** The server could not be reached, or the connection broke. */
export class NetworkError extends SyncError {
  override readonly name = 'NetworkError'
  constructor(message: string, options: { cause?: unknown; code?: string } = {}) {
    super(options.code ?? 'network', message, { ...options, retryable: true })
  }
}

/** The code of the `ClientError` where the server has no endpoint for batches: what they held is sent one by one. */
export const BATCH_UNSUPPORTED = 'batch-unsupported'

/** The code of the `ClientError` of what was not applied because another operation of its atomic batch was refused (424). */
export const BATCH_ABORTED = 'batch-aborted'

/** The code of the `NetworkError` of an answer that did not come from the server: a probe found that the network is not there. */
export const UNREACHABLE = 'unreachable'

/** No answer in time. Whether the server applied the request is unknown. */
export class TimeoutError extends SyncError {
  override readonly name = 'TimeoutError'
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('timeout', message, { ...options, retryable: true })
  }
}

/** The server failed (5xx) or gave an answer that can't be read. */
export class ServerError extends SyncError {
  override readonly name = 'ServerError'
  readonly status: number | undefined
  constructor(message: string, options: HttpDetails & { code?: string } = {}) {
    super(options.code ?? 'server', message, { ...options, retryable: true })
    this.status = options.status
  }
}

/** The server refused the request for good (4xx), or its address is configured wrongly (3xx). */
export class ClientError extends SyncError {
  override readonly name = 'ClientError'
  readonly status: number | undefined
  constructor(message: string, options: HttpDetails & { code?: string } = {}) {
    super(options.code ?? 'client', message, options)
    this.status = options.status
  }
}

/** One thing that is wrong with a value. */
export interface ValidationIssue {
  /** As `payload.address.street`. */
  readonly path: string
  readonly message: string
}

/**
 * Options or input are not what they must be: thrown at once, nothing was stored. With the code `invalid` it is the schema of an entity that says
 * so, of input or of what the server told.
 */
export class ValidationError extends SyncError {
  override readonly name = 'ValidationError'
  /** Where in the input, as `retry.baseMs` or `payload.lines[3]`. */
  readonly path: string
  /** All that was found, the first 20 at most. */
  readonly issues: readonly ValidationIssue[]
  constructor(
    path: string,
    message: string,
    options: { cause?: unknown; code?: string; issues?: readonly ValidationIssue[] } = {},
  ) {
    super(options.code ?? 'validation', `${path}: ${message}`, options)
    this.path = path
    this.issues = options.issues ?? [{ path, message }]
  }
}

/** 401 or 403: credentials are missing, out of date or not enough; or they are another user's. */
export class AuthenticationError extends SyncError {
  override readonly name = 'AuthenticationError'
  readonly status: number | undefined
  constructor(message: string, options: HttpDetails & { code?: string } = {}) {
    super(options.code ?? 'authentication', message, { ...options, retryable: options.status === 401 })
    this.status = options.status
  }
}

/** 429 or 503 with a time to wait. */
export class RateLimitError extends SyncError {
  override readonly name = 'RateLimitError'
  readonly status: number | undefined
  /** Milliseconds to wait as the server asked, if it did. */
  readonly retryAfterMs: number | undefined
  constructor(message: string, options: HttpDetails & { retryAfterMs?: number | undefined } = {}) {
    super('rate-limit', message, { ...options, retryable: true })
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The server's state is not what the operation was made on (409, 412, 428). */
export class ConflictError extends SyncError {
  override readonly name = 'ConflictError'
  readonly status: number | undefined
  constructor(message: string, options: HttpDetails = {}) {
    super('conflict', message, options)
    this.status = options.status
  }
}

/** Stored data contradicts itself. */
export class ConsistencyError extends SyncError {
  override readonly name = 'ConsistencyError'
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('consistency', message, options)
  }
}

/** An operation can't go on; the cause says why. */
export class SyncOperationError extends SyncError {
  override readonly name = 'SyncOperationError'
  readonly operationId: string
  constructor(operationId: string, code: string, message: string, options: { cause?: unknown } = {}) {
    super(code, message, options)
    this.operationId = operationId
  }
}

/** The breaker is open: nothing is sent until it has cooled down. */
export class CircuitBreakerOpenError extends SyncError {
  override readonly name = 'CircuitBreakerOpenError'
  readonly remainingMs: number
  constructor(remainingMs: number) {
    super('breaker-open', `The circuit breaker is open; it lets a probe through in ${remainingMs} ms.`, { retryable: true })
    this.remainingMs = remainingMs
  }
}

/** A log-out did not begin, for operations are not done yet. */
export class PendingOperationsError extends SyncError {
  override readonly name = 'PendingOperationsError'
  /** How many have not ended. */
  readonly count: number
  constructor(count: number) {
    super(
      'pending-operations',
      `${count} operations have not ended, so nobody was logged out. Wait until they have (flush(), operations.list()), or log out with pending: 'keep' or 'wipe'.`,
    )
    this.count = count
  }
}

/** The user has logged out, here or in another tab: this engine writes nothing any more. */
export class LoggedOutError extends SyncError {
  override readonly name = 'LoggedOutError'
  constructor() {
    super('logged-out', 'The user has logged out, perhaps in another tab; nothing was stored. After a log-in call start() again.')
  }
}

/** Any failure of a store. */
export class StorageError extends SyncError {
  override readonly name: string = 'StorageError'
}

/** An expectation did not hold or a unique index already has the value: somebody else was quicker. Nothing was written. */
export class StorageConflictError extends StorageError {
  override readonly name = 'StorageConflictError'
  /** The unique index, if that was the reason. */
  readonly index: string | undefined
  constructor(message: string, options: { cause?: unknown; index?: string | undefined } = {}) {
    super('storage-conflict', message, { ...options, retryable: true })
    this.index = options.index
  }
}

/** A newer owner exists: this one must stop writing. */
export class StorageFencedError extends StorageError {
  override readonly name = 'StorageFencedError'
  /** Without `current` there is no lease any more. */
  constructor(epoch: number, current?: number) {
    const became = current === undefined ? 'is gone' : `was taken over by epoch ${current}`
    super('storage-fenced', `The lease of epoch ${epoch} ${became}; this owner steps back.`)
  }
}

export class StorageQuotaError extends StorageError {
  override readonly name = 'StorageQuotaError'
  constructor(options: { cause?: unknown } = {}) {
    super('storage-quota', 'The disk or the quota of this origin is full. Nothing was written: free space and try again.', {
      ...options,
      retryable: true,
    })
  }
}

export class StorageClosedError extends StorageError {
  override readonly name = 'StorageClosedError'
  constructor(options: { cause?: unknown } = {}) {
    super('storage-closed', 'The store is closed. Open it (or start the engine) first.', options)
  }
}

export class StorageBlockedError extends StorageError {
  override readonly name = 'StorageBlockedError'
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('storage-blocked', message, { ...options, retryable: true })
  }
}

export class StorageCorruptError extends StorageError {
  override readonly name = 'StorageCorruptError'
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('storage-corrupt', message, options)
  }
}

export class StorageReadOnlyError extends StorageError {
  override readonly name = 'StorageReadOnlyError'
  constructor(options: { cause?: unknown } = {}) {
    super(
      'storage-read-only',
      'The store can only be read. Give this process the right to write the file and its folder.',
      options,
    )
  }
}

export class StorageNewerError extends StorageError {
  override readonly name = 'StorageNewerError'
  readonly found: number
  readonly known: number
  constructor(found: number, known: number) {
    super(
      'storage-newer',
      `The store has schema version ${found}, this build knows ${known}. Update the application; nothing was touched.`,
    )
    this.found = found
    this.known = known
  }
}

/** An encrypted store can't be opened or written with these keys, or was opened without any. No row was touched. */
export class StorageKeyError extends StorageError {
  override readonly name = 'StorageKeyError'
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('storage-key', message, options)
  }
}

export class StorageUnavailableError extends StorageError {
  override readonly name = 'StorageUnavailableError'
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('storage-unavailable', message, { ...options, retryable: true })
  }
}
