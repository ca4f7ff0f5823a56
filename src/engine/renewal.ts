import type { SyncError } from '../core/errors.ts'
import { laneOf } from '../core/operation.ts'
import type { Write } from '../core/ports.ts'
import type { PullRow } from '../core/pull-row.ts'
import { ENTITIES, isRecord, META, readEntity, type EntityRow, type Versions } from '../core/schema.ts'
import { entityIn, isSame, type Shapes } from '../core/shapes.ts'
import type { InTurn } from './maintenance.ts'
import type { RowStorage } from './shaped-storage.ts'
import { PAGE_LIMIT, type Store } from './store.ts'

export interface RenewalHooks {
  isOwner(): boolean
  epoch(): number
  now(): number
  readonly inTurn: InTurn
  /** It is not shown until the server was asked for it. */
  unusable(entity: string, id: string, error: SyncError): void
  failed(error: unknown): void
}

/** Up to whom all that is stored of the replica has the shape of these versions. A row of `meta`. */
interface RenewedRow {
  readonly name: string
  readonly epoch: number
  readonly versions: Versions
}

/** So many are asked for alone; the others when these have come, or with a pull from the beginning. */
const MOST_ASKED = 100

/**
 * Brings the whole replica to the shape of this build, page by page in quiet moments, so that a migration is not needed for ever; and has what can't be brought
 * there asked for of the server, each alone. Once nothing of that is left it is not done again, unless an owner of another build was in between.
 */
export function createRenewal(
  /** As the rows lie in it. */
  storage: RowStorage,
  store: Store,
  user: string,
  shapes: Shapes,
  hooks: RenewalHooks,
) {
  const { isOwner, epoch, now, inTurn, unusable, failed } = hooks
  const { versions } = shapes
  const kinds = Object.keys(versions)
  const name = `renewed/${encodeURIComponent(user)}`
  /** By entity: ids of what is set aside. */
  const left = new Map<string, readonly string[]>()
  /** As which owner all was looked through, and since when that is on record. */
  let lookedAs: number | undefined
  let notedAs: number | undefined
  let running = false

  async function renew(): Promise<void> {
    const own = epoch()
    const known = readRenewed((await storage.get(META, name))?.value)
    const isDone = known !== undefined && known.epoch >= own - 1 && isSame(known.versions, versions)
    if (!isDone) for (const entity of kinds) await renewAll(entity, own)
    lookedAs = own
  }

  /** Not while anything is left: that it was asked for may get lost, as by a page that was under way then. */
  async function note(): Promise<void> {
    if (left.size > 0 || notedAs === lookedAs || lookedAs === undefined) return
    const value: RenewedRow = { name, epoch: lookedAs, versions }
    await store.commitAs(lookedAs, [{ type: 'put', collection: META, value }])
    notedAs = lookedAs
  }

  async function renewAll(entity: string, own: number): Promise<void> {
    const prefix = laneOf(user, entity, '')
    const found: string[] = []
    for (let after: string | undefined = prefix; after !== undefined;) {
      const from: string = after
      after = await inTurn(async () => {
        const page = await storage.scan(ENTITIES, { gt: [from], lt: [`${prefix.slice(0, -1)}0`], limit: PAGE_LIMIT })
        const rows = page.flatMap((entry) => readEntity(entry) ?? [])
        const writes = rows.flatMap((row) => renewed(row, found))
        if (writes.length > 0) await store.commitAs(own, writes)
        return page.length < PAGE_LIMIT ? undefined : String(page.at(-1)?.key)
      })
    }
    if (found.length > 0) left.set(entity, found)
  }

  function renewed(row: EntityRow, found: string[]): readonly Write[] {
    const next = shapes.entityRow(row)
    if (next.aside?.why === 'failed') {
      const entity = entityIn(row.key)
      const id = row.key.slice(laneOf(user, entity, '').length)
      found.push(id)
      unusable(entity, id, next.aside.error)
    }
    // Of another shape only: nothing has changed of it.
    return next === row ? [] : [{ type: 'put', collection: ENTITIES, value: next, was: next }]
  }

  /** Of a kind that is not pulled as a whole, or not at all, nothing is asked for alone. */
  async function askFor(entity: string, ids: readonly string[]): Promise<void> {
    await inTurn(async () => {
      const rows = await store.entities(ids.map((id) => laneOf(user, entity, id)))
      const still = ids.filter((_, at) => rows[at]?.aside?.why === 'failed')
      if (still.length === 0) left.delete(entity)
      else left.set(entity, still)
      const pull = await store.pullRow(user, entity)
      const next = pull === undefined || pull.parts !== undefined ? undefined : withAsked(pull, still)
      if (next !== undefined) await store.commitAs(epoch(), [{ type: 'put', collection: META, value: next }])
    })
  }

  async function askForLeft(): Promise<void> {
    for (const [entity, ids] of left) await askFor(entity, ids)
  }

  function withAsked(row: PullRow, ids: readonly string[]): PullRow | undefined {
    const { quarantined = [] } = row
    const known = new Set(quarantined.map(({ id }) => id))
    const added = ids.filter((id) => !known.has(id)).slice(0, Math.max(0, MOST_ASKED - quarantined.length))
    if (added.length === 0) return undefined
    return { ...row, quarantined: [...quarantined, ...added.map((id) => ({ id, tries: 0, dueAt: now() }))] }
  }

  async function look(): Promise<void> {
    running = true
    try {
      if (lookedAs !== epoch()) await renew()
      await askForLeft()
      await note()
    } catch (error) {
      failed(error)
    } finally {
      running = false
    }
  }

  return {
    quiet(): void {
      const isNeeded = notedAs !== epoch() || left.size > 0
      if (kinds.length > 0 && isOwner() && !running && isNeeded) void look()
    },
  }
}

function readRenewed(value: unknown): RenewedRow | undefined {
  return isRenewed(value) ? value : undefined
}

function isRenewed(value: unknown): value is RenewedRow {
  return isRecord(value) && typeof value['epoch'] === 'number' && isRecord(value['versions'])
}
