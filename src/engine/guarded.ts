import { Observable, Subscriber, type Observer, type Subscription } from 'rxjs'
import { callGuarded } from '../core/call-guarded.ts'

type Failed = (error: unknown) => void
type Next<T> = (value: T) => void

/** The same stream. RxJS throws what a subscriber throws into nowhere, which ends a process of Node: here `failed` is told instead. */
export function guarded<T>(source: Observable<T>, failed: Failed): Observable<T> {
  const stream = new Observable<T>()
  stream.subscribe = (
    given?: Partial<Observer<T>> | Next<T> | null,
    error?: Next<unknown> | null,
    complete?: (() => void) | null,
  ): Subscription => {
    // Those of operators see to errors themselves.
    if (given instanceof Subscriber) return source.subscribe(given)
    const observer = typeof given === 'function' ? { next: given, error, complete } : given
    return source.subscribe({
      next: (value) => callGuarded((one) => observer?.next?.(one), value, failed),
      error: (reason: unknown) =>
        observer?.error ? callGuarded((one) => observer.error?.(one), reason, failed) : failed(reason),
      complete: () => callGuarded(() => observer?.complete?.(), undefined, failed),
    })
  }
  return stream
}
