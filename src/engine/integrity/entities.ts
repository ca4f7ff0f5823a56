import { decodedUser, keyOfUser } from '../../core/operation.ts'
import type { Entry, Fence, Scalar, Write } from '../../core/ports.ts'
import { entityFaults } from '../../core/row-faults.ts'
import { ENTITIES, readEntity } from '../../core/schema.ts'
import { setAside } from './aside.ts'
import type { Findings, Found } from './findings.ts'
import { isPlaced, missedByIndexes, pagesOf, strays } from './pages.ts'
import type { Task } from './site.ts'

/** Every entity of the replica: that it can be read and stands where it belongs. What can't be is the server's to tell once more. */
export async function checkEntities(task: Task, findings: Findings): Promise<void> {
  const { storage } = task.store
  const range = task.user === undefined ? {} : rangeOf(keyOfUser(task.user, ''))
  const seen = new Set<Scalar>()
  for await (const page of pagesOf(storage, ENTITIES, range)) {
    const own = page.filter(({ key }) => task.concerns(keyParts(key).entity))
    findings.count('entities', own.length)
    for (const entry of own) await checkRow(task, findings, entry)
    for (const entry of await missedByIndexes(storage, ENTITIES, own.filter(isReadable)))
      if ((await isPlaced(storage, ENTITIES, entry)) === false) await foundPlace(task, findings, entry, seen)
  }
  for await (const entry of strays(storage, ENTITIES)) if (isConcerned(task, entry)) await foundPlace(task, findings, entry, seen)
}

/** All keys that begin with this, which ends with a slash. */
export function rangeOf(prefix: string): { gt: readonly [string]; lt: readonly [string] } {
  return { gt: [prefix], lt: [`${prefix.slice(0, -1)}0`] }
}

export function keyParts(key: Scalar): { user: string; entity: string; id: string } {
  const [, user = '', entity = '', id = ''] = /^([^/]*)\/([^/]*)\/(.*)$/s.exec(String(key)) ?? []
  return { user, entity, id }
}

function isConcerned(task: Task, { key }: Entry): boolean {
  const { user, entity } = keyParts(key)
  return (task.user === undefined || user === encodeURIComponent(task.user)) && task.concerns(entity)
}

function about(key: Scalar): Pick<Found, 'collection' | 'key' | 'entity' | 'entityId'> {
  const { entity, id } = keyParts(key)
  return { collection: ENTITIES, key, entity, entityId: id }
}

function isReadable(entry: Entry): boolean {
  return readEntity(entry) !== undefined
}

function isSound(entry: Entry): boolean {
  const row = readEntity(entry)
  return row !== undefined && entityFaults(row).length === 0
}

async function checkRow(task: Task, findings: Findings, { key }: Entry): Promise<void> {
  const now = await task.store.storage.get(ENTITIES, key)
  if (now === undefined || isSound(now)) return
  const row = readEntity(now)
  const { entity, id } = keyParts(key)
  const isLived = row !== undefined && (await task.store.newestSeqs([String(key)]))[0] !== undefined
  const isAside = task.repair && !isLived && (await bringAnew(task, key))
  const fault = row === undefined ? undefined : entityFaults(row)[0]
  const what = fault === undefined ? 'can not be read' : `has a field ${fault.field} that contradicts the others: ${fault.effect}`
  const how = isLived
    ? ' Operations on it live: repair it once they have ended.'
    : ' It is pulled anew once the owner of the lease has repaired it.'
  findings.add({
    ...about(key),
    code: row === undefined ? 'unreadable' : 'field',
    message: `The stored ${entity}/${id} ${what}.${isAside ? ' It was set aside, and is pulled anew.' : how}`,
    repaired: isAside ? 'quarantined' : 'none',
  })
}

/**
 * Only the server knows what it was: as long as it is not pulled the view does not show it, as before. A row without anything stays in its place, so that
 * other tabs see that, and what is pulled has a higher revision.
 */
async function bringAnew(task: Task, key: Scalar): Promise<boolean> {
  const { user, entity } = keyParts(key)
  const move = async (fence: Fence, next: number): Promise<boolean> => {
    const empty: Write = { type: 'put', collection: ENTITIES, value: { key, rev: next } }
    const owner = decodedUser(user)
    const forgotten = owner === undefined ? [] : await task.store.forgetPulls(owner, entity)
    return setAside(task, ENTITIES, key, (entry) => !isSound(entry), [empty, ...forgotten], fence)
  }
  const isAside = await task.asOwner(move)
  if (isAside) task.pullsForgotten(entity)
  return isAside
}

async function foundPlace(task: Task, findings: Findings, { key }: Entry, seen: Set<Scalar>): Promise<void> {
  if (seen.has(key)) return
  seen.add(key)
  const isMended = task.repair && (await task.asOwner((fence, next) => putAgain(task, key, fence, next)))
  const { entity, id } = keyParts(key)
  findings.add({
    ...about(key),
    code: 'place',
    message: `The stored ${entity}/${id} does not stand in an index of the store where it belongs: other tabs do not see it change.${isMended ? '' : ' Repair it where the lease is owned.'}`,
    repaired: isMended ? 'mended' : 'none',
  })
}

async function putAgain({ store }: Task, key: Scalar, fence: Fence, next: number): Promise<boolean> {
  const was = readEntity(await store.storage.get(ENTITIES, key))
  if (was === undefined) return true
  const value = { ...was, rev: next }
  await store.commit([{ type: 'put', collection: ENTITIES, value, was }], { fence }, 'turn')
  return true
}
