import { derive, type ActionEffects } from '../../core/derive.ts'
import { createDigest } from '../../core/digest.ts'
import type { SeenEntity } from '../../core/invariants.ts'
import { laneOf, type OperationRow } from '../../core/operation.ts'
import type { IndexKey } from '../../core/ports.ts'
import { ENTITIES, NEVER_DUE, OPERATIONS, readEntity, readOperation, type EntityRow } from '../../core/schema.ts'
import type { Store } from '../store.ts'
import { keyParts, rangeOf } from './entities.ts'
import { pagesOf } from './pages.ts'

/** So often it is begun anew where something changes meanwhile. */
const TRIES = 3

type Values = AsyncGenerator<SeenEntity>

/**
 * Gives the entities of these kinds as the application sees them, page by page, and what was made of them: as they all were at one moment. Undefined if
 * something has changed each time.
 */
export async function atOneMoment<Made>(
  store: Store,
  user: string,
  kinds: readonly { readonly entity: string; readonly actions: ActionEffects }[],
  make: (values: Values) => Promise<Made>,
): Promise<Made | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { rev } = await store.newestEntity()
    const seen = createDigest()
    const made = await make(valuesOf(store, user, kinds, seen))
    const now = createDigest()
    for (const { entity } of kinds) for await (const row of liveOf(store, rangeOf(laneOf(user, entity, '')))) noteIn(now, row)
    const isSame = (await store.newestEntity()).rev === rev && now.read().hash === seen.read().hash
    if (isSame) return made
  }
  return undefined
}

type Summary = ReturnType<typeof createDigest>

function noteIn(summary: Summary, { seq, rev }: OperationRow): void {
  summary.add(String(seq), String(rev))
}

async function* liveOf(store: Store, range: { gt: IndexKey; lt: IndexKey }): AsyncGenerator<OperationRow> {
  for await (const page of pagesOf(store.storage, OPERATIONS, { index: 'lane', ...range }))
    for (const entry of page) {
      const row = readOperation(entry)
      if (row !== undefined) yield row
    }
}

/** Entities and the lines of operations stand in the same order: so both are walked side by side. */
async function* valuesOf(
  store: Store,
  user: string,
  kinds: readonly { readonly entity: string; readonly actions: ActionEffects }[],
  seen: Summary,
): Values {
  for (const { entity, actions } of kinds) {
    const range = rangeOf(laneOf(user, entity, ''))
    let gt: IndexKey = range.gt
    for await (const page of pagesOf(store.storage, ENTITIES, range)) {
      const lt: IndexKey = [String(page.at(-1)?.key), NEVER_DUE]
      yield* derived(
        entity,
        actions,
        page.flatMap((entry) => readEntity(entry) ?? []),
        await lanesIn(store, { gt, lt }, seen),
      )
      gt = lt
    }
    yield* derived(entity, actions, [], await lanesIn(store, { gt, lt: range.lt }, seen))
  }
}

async function lanesIn(store: Store, range: { gt: IndexKey; lt: IndexKey }, seen: Summary): Promise<Map<string, OperationRow[]>> {
  const lanes = new Map<string, OperationRow[]>()
  for await (const row of liveOf(store, range)) {
    noteIn(seen, row)
    const lane = row.lane ?? ''
    const known = lanes.get(lane) ?? []
    lanes.set(lane, known)
    known.push(row)
  }
  return lanes
}

function* derived(
  entity: string,
  actions: ActionEffects,
  rows: readonly EntityRow[],
  lanes: ReadonlyMap<string, readonly OperationRow[]>,
): Generator<SeenEntity> {
  const bases = new Map(rows.map((row) => [row.key, row]))
  for (const key of new Set([...bases.keys(), ...lanes.keys()])) {
    const value = derive(bases.get(key), lanes.get(key) ?? [], actions)
    if (value !== undefined) yield { entity, id: keyParts(key).id, value }
  }
}
