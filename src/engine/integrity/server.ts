import { laneOf } from '../../core/operation.ts'
import type { Fence } from '../../core/ports.ts'
import { pullRowName, readPullRow, type PullRow } from '../../core/pull-row.ts'
import { ENTITIES, META, type EntityRow } from '../../core/schema.ts'
import type { Told } from '../replica-writes.ts'
import { differingIds, isSame, MOST_DIFFERENT, type Difference, type Part } from './compare.ts'
import type { Findings } from './findings.ts'
import type { ServerSide } from './server-side.ts'
import type { Task } from './site.ts'

interface Suspect {
  readonly id: string
  readonly seen: EntityRow | undefined
  readonly told: Told
}

/**
 * The replica against the server, of what was pulled to its end. What differs is asked for alone, then what is new is pulled: what has changed by then only
 * lagged behind. Operations that wait change no row of the replica.
 */
export async function compareWithServer(
  task: Task,
  server: ServerSide,
  user: string,
  entities: readonly string[],
  findings: Findings,
): Promise<void> {
  for (const entity of entities.filter(task.concerns)) {
    const scopes = await server.scopesOf(entity)
    const parts: readonly Part[] = scopes === undefined ? [{ entity }] : scopes.map((scope) => ({ entity, scope }))
    for (const part of parts) await comparePart(task, server, user, part, findings)
  }
}

async function comparePart(task: Task, server: ServerSide, user: string, part: Part, findings: Findings): Promise<void> {
  const { entity, scope } = part
  const name = scope === undefined ? entity : `${entity} (${scope})`
  const pull = readPullRow(await task.store.storage.get(META, pullRowName(user, entity, scope)))
  if (!isComplete(pull)) return findings.undecided(`${name}: it was not pulled to its end yet`)
  findings.count('compared')
  const difference = await latestDifference(task, server, user, part)
  if (difference.type === 'undecided') return findings.undecided(`${name}: ${difference.why}`)
  const suspects = await suspectsOf(task, server, user, part, difference.ids)
  if (typeof suspects === 'string') return findings.undecided(`${name}: ${suspects}`)
  if (suspects.length === 0 && !difference.isMore) return
  if (!(await server.pull(entity))) return findings.undecided(`${name}: what is new could not be pulled`)
  const wanting = new Set((await task.store.pullRow(user, entity, scope))?.quarantined?.map(({ id }) => id))
  let differing = 0
  for (const suspect of suspects)
    if (!wanting.has(suspect.id) && (await isStill(task, user, entity, suspect))) {
      differing += 1
      await found(task, server, user, entity, suspect, findings)
    }
  if (difference.isWide || (difference.isMore && differing > 0)) await foundMore(task, user, entity, findings)
}

/** So much may only lag behind: then it is compared once more. */
async function latestDifference(task: Task, server: ServerSide, user: string, part: Part): Promise<Difference> {
  const difference = await differingIds(task, server, user, part)
  if (difference.type === 'undecided' || !difference.isMore) return difference
  if (await server.pull(part.entity)) return differingIds(task, server, user, part)
  return { type: 'undecided', why: 'what is new could not be pulled' }
}

function isComplete(pull: PullRow | undefined): boolean {
  return pull?.completeAt !== undefined && !pull.isPartial && pull.parts === undefined
}

/** What the server has of each, where that is not what is stored. */
async function suspectsOf(
  { store }: Task,
  server: ServerSide,
  user: string,
  { entity }: Part,
  ids: readonly string[],
): Promise<readonly Suspect[] | string> {
  const suspects: Suspect[] = []
  for (const id of ids) {
    const seen = await store.entity(laneOf(user, entity, id))
    const told = await server.fetch(entity, id)
    if (told.type !== 'found' && told.type !== 'absent') return told.error.message
    const version = told.type === 'found' ? told.version : undefined
    if (!isSame(seen, version) && (await server.takes(entity, id, told))) suspects.push({ id, seen, told })
  }
  return suspects
}

async function isStill({ store }: Task, user: string, entity: string, { id, seen }: Suspect): Promise<boolean> {
  const now = await store.entity(laneOf(user, entity, id))
  return now?.rev === seen?.rev
}

async function found(
  task: Task,
  server: ServerSide,
  user: string,
  entity: string,
  { id, seen, told }: Suspect,
  findings: Findings,
): Promise<void> {
  const isMended = task.repair && ((await server.putRight(entity, id, seen, told)) ?? false)
  const here = seen === undefined || seen.deletedAt !== undefined ? 'nothing' : `version ${seen.version ?? 'unknown'}`
  const there = told.type === 'absent' ? 'nothing' : `version ${told.version ?? 'unknown'}`
  findings.add({
    code: 'differs',
    collection: ENTITIES,
    key: laneOf(user, entity, id),
    entity,
    entityId: id,
    message: `Stored of ${entity}/${id} is ${here}, the server has ${there}, and no pull tells of it.${isMended ? '' : ' Repair it where the lease is owned.'}`,
    repaired: isMended ? 'mended' : 'none',
  })
}

async function forget({ store }: Task, user: string, entity: string, fence: Fence): Promise<boolean> {
  await store.commit(await store.forgetPulls(user, entity), { fence }, 'turn')
  return true
}

async function foundMore(task: Task, user: string, entity: string, findings: Findings): Promise<void> {
  const isForgotten = task.repair && (await task.asOwner((fence) => forget(task, user, entity, fence)))
  if (isForgotten) task.pullsForgotten(entity)
  findings.add({
    code: 'differs',
    collection: ENTITIES,
    key: laneOf(user, entity, ''),
    entity,
    message: `More than ${MOST_DIFFERENT} of ${entity} differ from what the server has. ${isForgotten ? 'All of it is pulled anew' : 'Pull all of it anew, by synchronize({ full: true })'}, then check once more.`,
  })
}
