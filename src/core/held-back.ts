import { CircuitBreakerOpenError, SyncError } from './errors.ts'

const PAUSED_BY_SERVER = 'server-pause'

/** Of what does not leave while the server is to be left alone, as it has asked. */
export function pausedByServer(remainingMs: number): SyncError {
  const message = `The server has asked for a pause, which ends in ${remainingMs} ms; then it is sent.`
  return new SyncError(PAUSED_BY_SERVER, message, { retryable: true })
}

/** Whether the request did not leave: the breaker is open, or the server has asked for a pause. */
export function didNotLeave(error: SyncError): boolean {
  return error instanceof CircuitBreakerOpenError || error.code === PAUSED_BY_SERVER
}
