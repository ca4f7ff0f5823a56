/** What a person asked for, and can't be done, he is told: every error says what to do. */
export function attempt(promise: Promise<unknown>): void {
  promise.catch((error: unknown) => alert(error instanceof Error ? error.message : String(error)))
}
