import { StorageConflictError, SyncError } from '../core/errors.ts'
import type { Entry, Expectation } from '../core/ports.ts'
import { META } from '../core/schema.ts'
import type { Store } from './store.ts'

const TRIES = 20

interface Numbered {
  readonly name: string
  /** Counts the changes. */
  readonly rev: number
}

/** Changes a row of `meta` that any tab may change: whoever commits first wins, the others look again. Gives its new `rev`. */
export async function changeShared<Row extends Numbered>(
  { storage, commit }: Store,
  name: string,
  read: (entry: Entry | undefined) => Row | undefined,
  change: (known: Row | undefined, rev: number) => Row,
): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const entry = await storage.get(META, name)
    const known = read(entry)
    const rev = (known?.rev ?? 0) + 1
    try {
      await commit([{ type: 'put', collection: META, value: change(known, rev) }], {
        expect: expectation(name, entry, known),
      })
      return rev
    } catch (error) {
      if (!(error instanceof StorageConflictError)) throw error
    }
  }
  throw new SyncError('busy', 'Too many tabs ask for this at once. Try again.', { retryable: true })
}

/** What can't be read nobody can use: it is written anew. */
function expectation(name: string, entry: Entry | undefined, known: Numbered | undefined): readonly Expectation[] {
  if (entry === undefined) return [{ collection: META, key: name, absent: true }]
  return known === undefined ? [] : [{ collection: META, key: name, field: 'rev', equals: known.rev }]
}
