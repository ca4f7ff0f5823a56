import { keyOfUser } from '../../core/operation.ts'
import type { Entry, Fence, Scalar } from '../../core/ports.ts'
import { entityFaults } from '../../core/row-faults.ts'
import { ENTITIES, readEntity } from '../../core/schema.ts'
import { revOf } from '../revisions.ts'
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
  const move = async (fence: Fence): Promise<boolean> => {
    const value = { key, rev: await nextRev(task, key) }
    return setAside(task, ENTITIES, key, (entry) => !isSound(entry), [{ type: 'put', collection: ENTITIES, value }], fence)
  }
  const isAside = (await task.asOwner(move)) ?? false
  const { user, entity } = keyParts(key)
  if (isAside) await task.pullAnew(decodeURIComponent(user), entity)
  return isAside
}

async function foundPlace(task: Task, findings: Findings, { key }: Entry, seen: Set<Scalar>): Promise<void> {
  if (seen.has(key)) return
  seen.add(key)
  const isMended = task.repair && ((await task.asOwner((fence) => putAgain(task, key, fence))) ?? false)
  const { entity, id } = keyParts(key)
  findings.add({
    ...about(key),
    code: 'place',
    message: `The stored ${entity}/${id} does not stand in an index of the store where it belongs: other tabs do not see it change.${isMended ? '' : ' Repair it where the lease is owned.'}`,
    repaired: isMended ? 'mended' : 'none',
  })
}

async function putAgain(task: Task, key: Scalar, fence: Fence): Promise<boolean> {
  const { store } = task
  const was = readEntity(await store.storage.get(ENTITIES, key))
  if (was === undefined) return true
  const value = { ...was, rev: await nextRev(task, key) }
  await store.commit([{ type: 'put', collection: ENTITIES, value, was }], { fence }, 'turn')
  return true
}

/** Higher than that of all others, and than its own: that one may be missing where the newest is looked for. */
async function nextRev({ store }: Task, key: Scalar): Promise<number> {
  const own = revOf(readEntity(await store.storage.get(ENTITIES, key)), 0)
  return Math.max((await store.newestEntity()).rev, own) + 1
}
