import { Observable } from 'rxjs'

/** The stream without what is the same as the value before it. RxJS has it too, at three times the bytes. */
export function distinct<T>(
  source: Observable<T>,
  isSame: (value: T, last: T) => boolean = (value, last) => value === last,
): Observable<T> {
  return new Observable((subscriber) => {
    let shown: { readonly value: T } | undefined
    return source.subscribe({
      next(value) {
        if (shown !== undefined && isSame(value, shown.value)) return
        shown = { value }
        subscriber.next(value)
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    })
  })
}
