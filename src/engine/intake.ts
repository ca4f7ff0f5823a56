import type { ActionEffects } from '../core/derive.ts'
import { StorageConflictError, ValidationError } from '../core/errors.ts'
import type { NewOperationRow, OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { SystemPorts, Write } from '../core/ports.ts'
import { OPERATIONS } from '../core/schema.ts'
import { checkLanes, inOrder } from '../core/transaction-order.ts'
import { markParents } from './dependencies.ts'
import { createEnqueueChecks } from './enqueue-checks.ts'
import { madeOnOf } from './made-on.ts'
import type { Linker, Links } from './links.ts'
import { newRow } from './new-row.ts'
import type { Stamps } from './stamps.ts'
import type { Store } from './store.ts'
import type { TransactionInput } from './transact.ts'
import type { EnqueueInput } from './types.ts'

/** One call of the application: its rows are accepted together or not at all. */
interface Request {
  /** With the ids that the server has given meanwhile, from when they are to be stored on. */
  rows: readonly NewOperationRow[]
  readonly isTransaction: boolean
  readonly resolve: (rows: readonly OperationRow[]) => void
  readonly reject: (error: unknown) => void
}

interface Sorted {
  readonly fresh: readonly NewOperationRow[]
  /** By the id of the row that was asked for: what the store already has in its place. */
  readonly known: Map<string, OperationRow>
  /** By the id of the row that was asked for: the id of the one of the same group that stands for it. */
  readonly twins: ReadonlyMap<string, string>
}

const MAX_ROWS_IN_COMMIT = 1_000
const MAX_TRIES = 10

/**
 * Accepts operations: checks them, and writes them in the order of the calls. Calls that come while a commit is under way share the
 * next one (group commit). `accepted` is told of each row that was stored.
 */
export function createIntake(
  settings: Settings,
  ports: SystemPorts,
  store: Store,
  { stamps, linker }: { readonly stamps: Stamps; readonly linker: Linker },
  accepted: (rows: readonly OperationRow[]) => void,
) {
  const checks = createEnqueueChecks(settings, store, ports.clock)
  let pending: Request[] = []
  let writing = false
  /** They have their answer, whatever becomes of the commit that they were to share. */
  const refused = new WeakSet<Request>()

  function actionsOf(entity: string): ActionEffects {
    return settings.entities[entity]?.actions ?? {}
  }

  function accept(inputs: readonly EnqueueInput[]): Promise<readonly OperationRow[]> {
    return stored(inputs.map((input, i) => made(input, placeOf(i, inputs))))
  }

  /** The rows in the order of the inputs. */
  async function acceptTogether({ id, ids, inputs }: TransactionInput): Promise<readonly OperationRow[]> {
    const given = linker.dependent(inputs.map((input, i) => made(notDeduped(input, i), `[${i}].`, ids[i])))
    const [rows, size] = [inOrder(given), inputs.length]
    const members = rows.map((row, place) => ({ ...row, transaction: { id, place, size } }))
    const found = await stored(members, true)
    return given.flatMap((row) => found[rows.indexOf(row)] ?? [])
  }

  function made(input: EnqueueInput, at: string, id?: string): NewOperationRow {
    const row = newRow(settings, ports, stamps, input, at, id)
    linker.check(row, at)
    return row
  }

  function stored(rows: readonly NewOperationRow[], isTransaction = false): Promise<readonly OperationRow[]> {
    return new Promise((resolve, reject) => {
      pending.push({ rows, isTransaction, resolve, reject })
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
      if (refused.has(request)) continue
      try {
        await writeAlone(request)
      } catch (error) {
        request.reject(error)
      }
    }
  }

  /** What changed between our look and our commit is found by another look. */
  async function writeAlone(request: Request): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await write([request])
      } catch (error) {
        if (!(error instanceof StorageConflictError) || tries === MAX_TRIES) throw error
      }
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
    const links = await linkedIn(group)
    const { fresh, known, twins } = await sorted(group)
    if (fresh.some(({ entity }) => checks.concerns(entity))) {
      const passed = await withoutRefused(group, new Set(fresh))
      // What a call that was refused stood for is to be found anew.
      if (passed.length < group.length) return passed.length === 0 ? undefined : write(passed)
    }
    const linked = linker.dependent(fresh, links)
    const marks = await markParents(store, linked, links.isAwaited)
    const appends = linked.map((value): Write => ({ type: 'append', collection: OPERATIONS, value }))
    const madeOn = store.isAudited ? await madeOnOf(store, linked, actionsOf) : undefined
    const expect = [...marks.expect, ...links.expect]
    const commit = () => store.commit([...appends, ...marks.writes], { expect }, 'call', madeOn)
    const seqs = appends.length === 0 ? [] : await commit().catch((error: unknown) => storedAfterAll(linked, error))
    const stored = linked.map((row, i) => Object.assign(row, { seq: seqs[i] ?? 0 }))
    for (const row of stored) known.set(row.id, row)
    accepted(stored)
    for (const { rows, resolve } of group) resolve(rows.flatMap((row) => known.get(twins.get(row.id) ?? row.id) ?? []))
  }

  /** Where the rows of a commit that failed stand: it may have succeeded all the same. @throws the failure if it has not */
  async function storedAfterAll(rows: readonly NewOperationRow[], failure: unknown): Promise<readonly number[]> {
    const found = await store.byIds(rows.map(({ id }) => id)).catch(() => [])
    const seqs = found.flatMap((row) => row?.seq ?? [])
    if (seqs.length < rows.length) throw failure
    return seqs
  }

  /** Gives each call its rows with the ids by which the server knows what they are about. */
  async function linkedIn(group: readonly Request[]): Promise<Links> {
    const { rows, links } = await linker.look(group.flatMap((request) => request.rows))
    let from = 0
    for (const request of group) {
      request.rows = rows.slice(from, (from += request.rows.length))
      if (request.isTransaction) checkLanes(request.rows)
    }
    return links
  }

  /** What the schemas refuse hears of it at once. */
  async function withoutRefused(group: readonly Request[], fresh: ReadonlySet<NewOperationRow>): Promise<readonly Request[]> {
    const calls = group.map(({ rows }) => rows.flatMap((row, i) => (fresh.has(row) ? [{ row, at: placeOf(i, rows) }] : [])))
    const verdicts = await checks.ofCalls(calls)
    return group.filter((request, at) => {
      const verdict = verdicts[at]
      if (verdict === undefined) return true
      refused.add(request)
      request.reject(verdict)
      return false
    })
  }

  /** Finds what the store, or the group itself, already has by key. */
  async function sorted(group: readonly Request[]): Promise<Sorted> {
    const fresh: NewOperationRow[] = []
    const known = new Map<string, OperationRow>()
    const twins = new Map<string, string>()
    const byKey = new Map<string, NewOperationRow>()
    for (const { rows, isTransaction } of group) {
      const before = fresh.length
      for (const row of rows) {
        const keys = keysOf(row)
        const twin = keys.map((key) => byKey.get(key)).find((other) => other !== undefined)
        const stored = keys.length > 0 && twin === undefined ? await twinOf(row) : undefined
        if (twin !== undefined) twins.set(row.id, sameContent(row, twin).id)
        else if (stored !== undefined) known.set(row.id, sameContent(row, stored))
        else {
          fresh.push(row)
          for (const key of keys) byKey.set(key, row)
        }
      }
      if (isTransaction && fresh.length > before && fresh.length < before + rows.length) throw halfKnown()
    }
    return { fresh, known, twins }
  }

  async function twinOf({ chosenKey, dedupeKey }: NewOperationRow): Promise<OperationRow | undefined> {
    const twin = chosenKey === undefined ? undefined : await store.byChosenKey(chosenKey)
    return twin ?? (dedupeKey === undefined ? undefined : store.byDedupeKey(dedupeKey))
  }

  return { accept, acceptTogether, checks }
}

/** Where it stands in its call, for messages. */
function placeOf(at: number, call: readonly unknown[]): string {
  return call.length === 1 ? '' : `[${at}].`
}

/** Another that stands for it would be of no transaction, or of another one. */
function notDeduped(input: EnqueueInput, at: number): EnqueueInput {
  if (input.notBefore !== undefined)
    throw new ValidationError(
      `[${at}].notBefore`,
      'has no meaning in a transaction: all of it goes as one. Enqueue it at that time.',
    )
  if (input.dedupeKey === undefined) return input
  throw new ValidationError(`[${at}].dedupeKey`, 'has no meaning in a transaction; take an idempotencyKey.')
}

function halfKnown(): ValidationError {
  const message =
    'of a part of the transaction stands for operations that exist already, of the others not. Take new keys, or the same for the whole.'
  return new ValidationError('idempotencyKey', message, { code: 'idempotency-key-reused' })
}

const NO_KEYS: readonly string[] = []

function keysOf({ chosenKey, dedupeKey }: NewOperationRow): readonly string[] {
  if (chosenKey === undefined && dedupeKey === undefined) return NO_KEYS
  return [
    ...(chosenKey === undefined ? [] : [`chosen ${chosenKey}`]),
    ...(dedupeKey === undefined ? [] : [`dedupe ${dedupeKey}`]),
  ]
}

function sameContent<T extends NewOperationRow>(row: NewOperationRow, twin: T): T {
  if (row.chosenKey === undefined || row.chosenKey !== twin.chosenKey || row.contentHash === twin.contentHash) return twin
  throw new ValidationError(
    'idempotencyKey',
    `"${row.idempotencyKey}" already stands for another operation (${twin.id}). Take a new key for new content.`,
    {
      code: 'idempotency-key-reused',
    },
  )
}
