import type { IncomingResponse } from '../adapters/http/wire.ts'

/** A listener of the test has thrown. That is for the test: the server has an answer all the same, and whoever sent the request gets it. */
export class WatcherError extends Error {
  readonly response: IncomingResponse

  constructor(response: IncomingResponse, cause: unknown) {
    super('A listener of server.watch() has thrown.', { cause })
    this.response = response
  }
}
