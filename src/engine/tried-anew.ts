import { isTerminal, keyOfUser, type OperationRow } from '../core/operation.ts'
import type { Store } from './store.ts'

/** The key of what is enqueued in the place of a dead letter: however often that is asked for, it is one operation. */
export function keyOfAnew({ id }: OperationRow): string {
  return `${id}.again`
}

/**
 * Whom a dead letter waits for that is tried anew: whom it waited for and who has not ended, and in the place of one that was refused
 * and tried anew itself, that. One that was refused and left so is waited for no more: the letter could never leave.
 */
export async function awaitedAnew(store: Store, { dependsOn = [] }: OperationRow): Promise<readonly string[]> {
  const awaited = await Promise.all(dependsOn.map((id) => awaitedFor(store, id)))
  return [...new Set(awaited.filter((id) => id !== undefined))]
}

async function awaitedFor(store: Store, id: string): Promise<string | undefined> {
  const named = await store.successorOf(id)
  if (typeof named !== 'object') return undefined
  const last = await inPlaceOf(store, named)
  if (!isTerminal(last.status)) return last.id
  return last !== named && last.status === 'rejected' && last.dismissed === undefined ? last.id : undefined
}

async function inPlaceOf(store: Store, row: OperationRow): Promise<OperationRow> {
  if (row.status !== 'rejected') return row
  const anew = await store.byChosenKey(keyOfUser(row.user, keyOfAnew(row)))
  const now = anew && (await store.successorOf(anew.id))
  return typeof now === 'object' ? inPlaceOf(store, now) : row
}
