import { Observable } from 'rxjs'
import { StorageClosedError, ValidationError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'

export type OnChange = (listener: () => void) => () => void

export interface FollowHooks {
  readonly clock: Clock
  readonly onChange: OnChange
  /** The store could not be read. */
  failed(error: unknown): void
}

const LOOK_AGAIN_MS = 1_000

/**
 * What a look at the store finds, now and whenever it finds something else. Changes that come while one look is under way share the next. While the store is
 * closed it waits; one that can't be read is looked at again. What nobody can look for is the only error.
 */
export function followed<T>(look: () => Promise<T>, { clock, onChange, failed }: FollowHooks): Observable<T> {
  return new Observable((subscriber) => {
    let looking: 'no' | 'yes' | 'again' = 'no'
    let last: string | undefined
    let cancel = (): void => {}

    async function lookAgain(): Promise<void> {
      if (looking !== 'no') return void (looking = 'again')
      try {
        do {
          looking = 'yes'
          const found = await look()
          const text = JSON.stringify(found)
          if (!subscriber.closed && text !== last) subscriber.next(found)
          last = text
        } while (looking !== 'yes' && !subscriber.closed)
      } finally {
        looking = 'no'
      }
    }

    function missed(error: unknown): void {
      if (subscriber.closed || error instanceof StorageClosedError) return
      if (error instanceof ValidationError) return subscriber.error(error)
      failed(error)
      cancel = clock.schedule(start, LOOK_AGAIN_MS)
    }

    function start(): void {
      cancel()
      lookAgain().catch(missed)
    }

    start()
    const stop = onChange(start)
    return () => {
      cancel()
      stop()
    }
  })
}
