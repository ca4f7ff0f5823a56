import {
  AuthenticationError,
  CircuitBreakerOpenError,
  ClientError,
  ConflictError,
  NetworkError,
  RateLimitError,
  ServerError,
  SyncError,
  SyncOperationError,
  TimeoutError,
} from './errors.ts'
import type { StoredError } from './operation.ts'

/** The error that a row keeps, as one of the class that it was, so that handlers can ask with `instanceof`. */
export function restoreError({ name, code, message, status }: StoredError, operationId: string): SyncError {
  switch (name) {
    case 'ClientError':
      return new ClientError(message, { code, status })
    case 'ServerError':
      return new ServerError(message, { code, status })
    case 'NetworkError':
      return new NetworkError(message, { code })
    case 'TimeoutError':
      return new TimeoutError(message)
    case 'AuthenticationError':
      return new AuthenticationError(message, { status })
    case 'RateLimitError':
      return new RateLimitError(message, { status })
    case 'ConflictError':
      return new ConflictError(message, { status })
    case 'CircuitBreakerOpenError':
      return new CircuitBreakerOpenError(0)
    case 'SyncOperationError':
      return new SyncOperationError(operationId, code, message)
    default:
      return new SyncError(code, message)
  }
}
