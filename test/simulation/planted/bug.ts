/** One place of the built code, and what stands there instead. `find` must match exactly once. */
export interface Change {
  /** Below `dist`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A mistake that somebody could have made, and the invariants that must tell of it. */
export interface Bug {
  readonly name: string
  readonly why: string
  readonly changes: readonly Change[]
  readonly invariants: readonly string[]
}

/** The usual mistake is in one place. */
export function bug(name: string, why: string, file: string, find: string, replace: string, invariants: string): Bug {
  return { name, why, changes: [{ file, find, replace }], invariants: invariants.split(' ') }
}

class StaleBugError extends Error {
  override name = 'StaleBugError'
}

/** @throws StaleBugError */
export function changed(text: string, { file, find, replace }: Change, name: string): string {
  const [before, after, ...more] = text.split(find)
  if (before !== undefined && after !== undefined && more.length === 0) return before + replace + after
  const times = after === undefined ? 'nowhere' : `${more.length + 1} times`
  throw new StaleBugError(`"${name}" is stale: what it replaces is found ${times} in ${file}. Adapt it to the code.`)
}
