import { Observable } from 'rxjs'
import { StorageClosedError } from '../core/errors.ts'

export type OnChange = (listener: () => void) => () => void

/**
 * What a look at the store finds, now and whenever it finds something else. Changes that come while one look is under way share the next. While the store is
 * closed it waits.
 */
export function followed<T>(look: () => Promise<T>, onChange: OnChange): Observable<T> {
  return new Observable((subscriber) => {
    let looking: 'no' | 'yes' | 'again' = 'no'
    let last: string | undefined

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

    const failed = (error: unknown): void => {
      if (!(error instanceof StorageClosedError)) subscriber.error(error)
    }
    const start = (): void => void lookAgain().catch(failed)
    start()
    return onChange(start)
  })
}
