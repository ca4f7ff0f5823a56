/** What is there at once is not waited for: a promise for each of thousands of rows costs as much as sealing them. */
export type Maybe<T> = T | Promise<T>

export function after<T, U>(value: Maybe<T>, use: (value: T) => U): Maybe<U> {
  return value instanceof Promise ? value.then(use) : use(value)
}

export function together<T>(values: readonly Maybe<T>[]): Maybe<readonly T[]> {
  return values.every((value): value is T => !(value instanceof Promise)) ? values : Promise.all(values)
}
