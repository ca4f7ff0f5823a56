import { SyncOperationError } from '../core/errors.ts'
import { isTerminal } from '../core/operation.ts'
import type { Storage } from '../core/ports.ts'
import { visibleText } from '../core/visible-text.ts'
import { explainRow } from '../engine/explain.ts'
import { createStore } from '../engine/store.ts'
import type { Explanation } from '../engine/types.ts'
import { grouped, instant, printJson, table, type Io } from './io.ts'
import { describeLease, leaseOf, withStore, type LeaseInfo } from './store-file.ts'
import { tally } from './tally.ts'

const NOBODY = 'an engine on this store: no process drains it now (run synchart push, or start the application)'
const INTERRUPTED = 'was being sent when its process ended; the next one sends it again with the same key'

/** Why is this not syncing? For one operation, or for the store and the first operations that live. Only looks. Returns the exit code. */
export async function explain(
  file: string,
  id: string | undefined,
  { json }: { readonly json: boolean },
  io: Io,
): Promise<number> {
  return withStore(file, async (storage) => {
    const lease = await leaseOf(storage)
    if (id !== undefined) {
      const explanation = await explainOne(storage, lease, id)
      if (explanation === undefined) throw unknownOperation(file, id)
      if (json) printJson(io, explanation)
      else io.out(textOf(explanation, explanation.waitingFor))
      return 0
    }
    const { live, firstLive } = await tally(storage)
    const looks = await Promise.all(firstLive.map((operation) => explainOne(storage, lease, operation.id)))
    const explanations = looks.filter((look) => look !== undefined)
    if (json) printJson(io, { store: file, lease, summary: overview(lease, live), live, operations: explanations })
    else {
      io.out(`${overview(lease, live)}\n`)
      for (const explanation of explanations) io.out(`\n${textOf(explanation, ownReasons(explanation))}`)
      if (live > explanations.length) io.out(`\n… and ${grouped(live - explanations.length)} more.\n`)
    }
    return 0
  })
}

async function explainOne(storage: Storage, lease: LeaseInfo, id: string): Promise<Explanation | undefined> {
  const store = createStore(storage)
  const row = await store.byId(id)
  if (row === undefined) return undefined
  const isHeld = lease.state === 'held'
  const explanation = await explainRow(
    { user: row.user },
    store,
    {
      now: () => Date.now(),
      statePath: () => (isHeld ? ['elsewhere'] : ['stopped']),
      engineReasons: () => (isHeld ? [] : [NOBODY]),
      probeAt: () => undefined,
    },
    id,
  )
  if (isHeld || explanation.operation?.status !== 'sending') return explanation
  // No answer comes to a process that is gone.
  const summary = `${row.type} of ${row.entity}/${row.entityId} ${INTERRUPTED}.`
  return { ...explanation, summary, waitingFor: [`the next process: it ${INTERRUPTED}`, NOBODY] }
}

function unknownOperation(file: string, id: string): SyncOperationError {
  return new SyncOperationError(
    id,
    'not-found',
    `There is no operation ${id} in ${file}. Find one with synchart status ${file}, or with synchart explain ${file}.`,
  )
}

function overview(lease: LeaseInfo, live: number): string {
  if (live === 0) return `The lease is ${describeLease(lease)}. Nothing waits.`
  const left = `${grouped(live)} ${live === 1 ? 'operation lives' : 'operations live'}`
  return `The lease is ${describeLease(lease)}. ${left}${lease.state === 'held' ? '' : `, waiting for ${NOBODY}`}.`
}

/** Without what the overview says of them all. */
function ownReasons({ waitingFor }: Explanation): readonly string[] {
  const own = waitingFor.filter((what) => what !== NOBODY)
  return own.length === 0 ? ['nothing else; its turn is next'] : own
}

function textOf({ summary, nextWakeAt, lastError, operation }: Explanation, waitingFor: readonly string[]): string {
  if (operation === undefined) return `${summary}\n`
  const { id, type, entity, entityId, status, attempts, supersededBy } = operation
  const rows: [string, string][] = [
    ['status', status],
    ['attempts', String(attempts)],
  ]
  if (supersededBy !== undefined) rows.push(['merged into', supersededBy])
  if (!isTerminal(status)) rows.push(...waitingFor.map((what): [string, string] => ['waits for', what]))
  if (nextWakeAt !== undefined) rows.push(['next attempt', instant(nextWakeAt)])
  if (lastError !== undefined) rows.push(['last error', `${lastError.code}: ${lastError.message}`])
  return `${visibleText(`${id}  ${type} ${entity}/${entityId}`)}\n${table(rows)}`
}
