import { StorageConflictError, ValidationError } from '../core/errors.ts'
import { copyJson } from '../core/copy-json.ts'
import { contentHash } from '../core/hash.ts'
import type { Json } from '../core/json.ts'
import { laneOf, PRIORITIES, type NewOperationRow, type OperationRow } from '../core/operation.ts'
import type { LimitOptions, Settings } from '../core/options.ts'
import type { SystemPorts, Write } from '../core/ports.ts'
import { rankOf } from '../core/rows.ts'
import { OPERATIONS } from '../core/schema.ts'
import { checkJson } from '../core/validate-json.ts'
import type { Store } from './store.ts'
import type { EnqueueInput } from './types.ts'

/** One call of the application: its rows are accepted together or not at all. */
interface Request {
  readonly rows: readonly NewOperationRow[]
  readonly resolve: (rows: readonly OperationRow[]) => void
  readonly reject: (error: unknown) => void
}

export type Intake = ReturnType<typeof createIntake>

const MAX_ROWS_IN_COMMIT = 1_000
const MAX_ID_LENGTH = 1_024
const UNSTORABLE = /[\0\p{Cs}]/u
const TYPE_NAME = /^[A-Za-z][\w-]{0,63}$/

/**
 * Accepts operations: checks them, and writes them in the order of the calls. Calls that come while a commit is under way share the
 * next one (group commit). `accepted` is told of each row that was stored.
 */
export function createIntake(
  settings: Settings,
  ports: SystemPorts,
  store: Store,
  accepted: (rows: readonly OperationRow[]) => void,
) {
  let pending: Request[] = []
  let writing = false

  function accept(inputs: readonly EnqueueInput[]): Promise<readonly OperationRow[]> {
    const rows = inputs.map((input, i) => rowOf(settings, ports, input, inputs.length === 1 ? '' : `[${i}].`))
    return new Promise((resolve, reject) => {
      pending.push({ rows, resolve, reject })
      if (!writing) {
        writing = true
        queueMicrotask(() => void writeAll())
      }
    })
  }

  async function writeAll(): Promise<void> {
    while (pending.length > 0) {
      const group = takeGroup()
      try {
        await write(group)
      } catch (error) {
        if (group.length > 1 || error instanceof StorageConflictError) await writeEach(group)
        else group[0]?.reject(error)
      }
    }
    writing = false
  }

  /** One call's fault must not be another's. */
  async function writeEach(group: readonly Request[]): Promise<void> {
    for (const request of group) {
      try {
        await writeAlone(request)
      } catch (error) {
        request.reject(error)
      }
    }
  }

  /** If the same key was stored elsewhere between our look and our commit, the second look finds it. */
  async function writeAlone(request: Request): Promise<void> {
    try {
      await write([request])
    } catch (error) {
      if (!(error instanceof StorageConflictError)) throw error
      await write([request])
    }
  }

  function takeGroup(): readonly Request[] {
    let rows = 0
    const end = pending.findIndex((request) => (rows += request.rows.length) > MAX_ROWS_IN_COMMIT)
    const group = pending.slice(0, end === -1 ? undefined : Math.max(1, end))
    pending = pending.slice(group.length)
    return group
  }

  async function write(group: readonly Request[]): Promise<void> {
    const fresh: NewOperationRow[] = []
    const known = await existing(group, fresh)
    const writes: Write[] = fresh.map((value) => ({ type: 'append', collection: OPERATIONS, value }))
    const seqs = writes.length === 0 ? [] : await store.storage.commit(writes)
    const stored = fresh.map((row, i) => Object.assign(row, { seq: seqs[i] ?? 0 }))
    for (const row of stored) known.set(row.id, row)
    accepted(stored)
    for (const { rows, resolve } of group) resolve(rows.flatMap((row) => known.get(row.id) ?? []))
  }

  /** Finds what the store already has by key; puts the rest into `fresh`. */
  async function existing(group: readonly Request[], fresh: NewOperationRow[]): Promise<Map<string, OperationRow>> {
    const known = new Map<string, OperationRow>()
    const inGroup = (id: string): boolean => group.some(({ rows }) => rows.some((row) => row.id === id))
    for (const { rows } of group) {
      for (const row of rows) {
        const twin = isPlain(row) ? undefined : await lookUp(row, inGroup)
        if (twin === undefined) fresh.push(row)
        else known.set(row.id, sameContent(row, twin))
      }
    }
    return known
  }

  async function twinOf(row: NewOperationRow): Promise<OperationRow | undefined> {
    if (row.chosenKey !== undefined) return store.byChosenKey(row.chosenKey)
    if (row.dedupeKey !== undefined) return store.byDedupeKey(row.dedupeKey)
    return undefined
  }

  async function lookUp(row: NewOperationRow, inGroup: (id: string) => boolean): Promise<OperationRow | undefined> {
    const twin = await twinOf(row)
    if (twin === undefined) await checkDependencies(row, inGroup)
    return twin
  }

  async function checkDependencies(row: NewOperationRow, inGroup: (id: string) => boolean): Promise<void> {
    for (const id of row.dependsOn ?? []) {
      if (inGroup(id) || (await store.byId(id)) !== undefined) continue
      throw new ValidationError('dependsOn', `there is no operation ${id}. Enqueue it first.`, { code: 'unknown-dependency' })
    }
  }

  return { accept }
}

/** Nothing in the store needs to be looked at for it. */
function isPlain(row: NewOperationRow): boolean {
  return row.chosenKey === undefined && row.dedupeKey === undefined && row.dependsOn === undefined
}

function sameContent(row: NewOperationRow, twin: OperationRow): OperationRow {
  if (row.chosenKey === undefined || row.contentHash === twin.contentHash) return twin
  throw new ValidationError(
    'idempotencyKey',
    `"${row.chosenKey}" already stands for another operation (${twin.id}). Take a new key for new content.`,
    {
      code: 'idempotency-key-reused',
    },
  )
}

function rowOf(settings: Settings, { clock, newId }: SystemPorts, input: EnqueueInput, at: string): NewOperationRow {
  checkNames(settings, input, at)
  const { limits, user, ageingMs } = settings
  const payload = input.type === 'delete' ? null : jsonOf(input.payload, `${at}payload`, limits)
  const base = input.base === undefined ? undefined : jsonOf(input.base, `${at}base`, limits)
  const id = newId()
  const priority = input.priority ?? 'medium'
  const enqueuedAt = clock.now()
  const row: { -readonly [K in keyof NewOperationRow]: NewOperationRow[K] } = {
    id,
    rev: 1,
    user,
    type: input.type,
    entity: input.entity,
    entityId: input.id,
    payload,
    status: 'queued',
    priority,
    idempotencyKey: input.idempotencyKey ?? id,
    enqueuedAt,
    attempts: 0,
    unknownAttempts: 0,
    reconciliations: 0,
    lane: laneOf(user, input.entity, input.id),
    rank: rankOf({ enqueuedAt, priority }, ageingMs),
  }
  if (input.baseVersion !== undefined) row.baseVersion = input.baseVersion
  if (base !== undefined) row.base = base
  if (input.dependsOn !== undefined && input.dependsOn.length > 0) row.dependsOn = [...input.dependsOn]
  if (input.optimistic !== undefined) row.token = input.optimistic.token ?? id
  if (input.dedupeKey !== undefined) row.dedupeKey = input.dedupeKey
  if (input.idempotencyKey !== undefined) {
    row.chosenKey = input.idempotencyKey
    row.contentHash = contentHash([input.type, input.entity, input.id, payload])
  }
  return row
}

/** A copy, so that what the caller does to its object afterwards is not stored. */
function jsonOf(value: unknown, path: string, { payloadBytes, payloadDepth }: LimitOptions): Json {
  return copyJson(checkJson(value, path, { maxBytes: payloadBytes, maxDepth: payloadDepth }).json)
}

function checkNames(settings: Settings, input: EnqueueInput, at: string): void {
  if (typeof input !== 'object' || input === null)
    throw new ValidationError(`${at}operation`, 'must be an object with type, entity, id and payload.')
  if (typeof input.type !== 'string' || !TYPE_NAME.test(input.type))
    throw new ValidationError(`${at}type`, "must be 'create', 'update', 'replace', 'delete' or a name that the transport routes.")
  if (typeof input.entity !== 'string' || !Object.hasOwn(settings.entities, input.entity))
    throw new ValidationError(
      `${at}entity`,
      `${String(input.entity)} is unknown. Name it in the option entities; known: ${Object.keys(settings.entities).join(', ')}.`,
      { code: 'unknown-entity' },
    )
  if (!isName(input.id))
    throw new ValidationError(`${at}id`, `must be a non-empty string of at most ${MAX_ID_LENGTH} characters.`)
  if (input.type === 'delete' && input.payload !== undefined && input.payload !== null)
    throw new ValidationError(`${at}payload`, 'must be left out for a delete.')
  if (input.priority !== undefined && !PRIORITIES.includes(input.priority))
    throw new ValidationError(`${at}priority`, `must be ${PRIORITIES.join(', ')}.`)
  if (input.dependsOn !== undefined && !(Array.isArray(input.dependsOn) && input.dependsOn.every(isName)))
    throw new ValidationError(`${at}dependsOn`, 'must be a list of operation ids.')
  for (const key of ['idempotencyKey', 'dedupeKey', 'baseVersion'] as const) {
    if (input[key] !== undefined && !isKey(input[key]))
      throw new ValidationError(`${at}${key}`, 'must be 1 to 255 visible ASCII characters without " and \\.')
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH && !UNSTORABLE.test(value)
}

function isKey(value: string): boolean {
  return typeof value === 'string' && /^[!#-[\]-~]{1,255}$/.test(value)
}
