/** What the server asks of its clients, beside its answer. It holds until it asks otherwise, or the engine is made anew. */
export interface ServerWishes {
  /** The least rest between two polls; 24 hours at most. */
  readonly minPollMs?: number
  /** The most operations in one request that is not atomic; at least 1. */
  readonly maxBatch?: number
  /** Nothing at all is to be sent or asked for so long; an hour at most. */
  readonly pauseMs?: number
}

export interface Wished {
  readonly wishes?: ServerWishes | undefined
}
