import { StorageUnavailableError } from '../../core/errors.ts'
import type { KeyValueStore } from './forage.ts'
import type { Head } from './head.ts'
import { readHead } from './head.ts'

/** How the handles on one store make sure that each of them sees what the others committed. Called while the store's lock is held. */
export interface Peers {
  /** The head, once this process has it as the others left it. */
  head(store: KeyValueStore): Promise<Head>
  /** Lets the others know how far the store has come. */
  vouch(sequence: number): Promise<void>
  leave(): void
}

const SETTLE_MS = 50
const MAX_LAG_MS = 2_000
/** After this a redo record is taken for one that its writer, though alive, could not apply. */
const MAX_APPLY_MS = 200
const POLL_MS = 2

export const nobody: Peers = { head: readHead, vouch: async () => {}, leave: () => {} }

/**
 * For localStorage, which every process has its own copy of: a Web Lock passes from one process to another before the writes
 * that were made under it do. So each handle also holds a lock whose name tells the latest sequence that it made or saw,
 * and whoever gets the store's lock waits until its copy has come as far as all of these.
 */
export function createPeers(locks: LockManager, name: string, id: string): Peers {
  const prefix = `synchart:store:${name}:at:`
  let known: ReadonlySet<string> | undefined
  let letGo = (): void => {}

  async function others(): Promise<Map<string, number>> {
    const { held = [] } = await locks.query()
    const marks = held.flatMap((lock) => parseMark(lock.name, prefix) ?? []).filter((mark) => mark.id !== id)
    return new Map(marks.map((mark) => [mark.id, mark.sequence]))
  }

  async function head(store: KeyValueStore): Promise<Head> {
    const marks = await others()
    // Somebody who has just ended may have left writes on their way that nobody else can tell of.
    const unsure = known === undefined || [...known].some((peer) => !marks.has(peer))
    known = new Set(marks.keys())
    if (unsure) await pause(SETTLE_MS)
    return arrival(store, marks)
  }

  async function vouch(sequence: number): Promise<void> {
    const before = letGo
    letGo = await hold(locks, `${prefix}${id}:${sequence}`)
    before()
  }

  return { head, vouch, leave: () => letGo() }
}

async function arrival(store: KeyValueStore, marks: ReadonlyMap<string, number>): Promise<Head> {
  const newest = Math.max(0, ...marks.values())
  const since = performance.now()
  for (;;) {
    const head = await readHead(store)
    const waitedMs = performance.now() - since
    const inFlight = head.redo !== undefined && marks.has(head.by) && waitedMs < MAX_APPLY_MS
    if (head.sequence >= newest && !inFlight) return head
    if (waitedMs > MAX_LAG_MS) {
      throw new StorageUnavailableError(
        'What another tab committed does not arrive here. If the data of this site was cleared, reload its other tabs.',
      )
    }
    await pause(POLL_MS)
  }
}

function parseMark(lock: string | undefined, prefix: string): { readonly id: string; readonly sequence: number } | undefined {
  if (!lock?.startsWith(prefix)) return undefined
  const [id, sequence] = lock.slice(prefix.length).split(':')
  return id === undefined ? undefined : { id, sequence: Number(sequence) }
}

function hold(locks: LockManager, name: string): Promise<() => void> {
  return new Promise((granted, refused) => {
    const held = locks.request(name, { mode: 'shared' }, () => new Promise<void>((release) => granted(release)))
    held.catch(refused)
  })
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
