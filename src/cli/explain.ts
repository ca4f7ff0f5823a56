import type { Storage } from '../core/ports.ts'
import { explainRow } from '../engine/explain.ts'
import { createStore } from '../engine/store.ts'
import type { Explanation } from '../engine/types.ts'
import { grouped, printJson, table, type Io } from './io.ts'
import { describeLease, leaseOf, withStore, type LeaseInfo } from './store-file.ts'
import { tally } from './tally.ts'

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
      if (json) printJson(io, explanation)
      else io.out(textOf(explanation))
      return 0
    }
    const { live, firstLive } = await tally(storage)
    const explanations = await Promise.all(firstLive.map((operation) => explainOne(storage, lease, operation.id)))
    if (json) printJson(io, { store: file, lease, summary: overview(lease, live), live, operations: explanations })
    else {
      io.out(`${overview(lease, live)}\n`)
      for (const explanation of explanations) io.out(`\n${textOf(explanation)}`)
      if (live > explanations.length) io.out(`\n… and ${grouped(live - explanations.length)} more.\n`)
    }
    return 0
  })
}

async function explainOne(storage: Storage, lease: LeaseInfo, id: string): Promise<Explanation> {
  const store = createStore(storage)
  const row = await store.byId(id)
  const sources = {
    now: () => Date.now(),
    statePath: () => (lease.state === 'held' ? ['elsewhere'] : ['stopped']),
    engineReasons: () => engineReasons(lease),
    probeAt: () => undefined,
  }
  return explainRow({ user: row?.user ?? '' }, store, sources, id)
}

function engineReasons(lease: LeaseInfo): string[] {
  if (lease.state === 'held') return []
  return ['an engine on this store: no process drains it now (run synchart push, or start the application)']
}

function overview(lease: LeaseInfo, live: number): string {
  const left = live === 0 ? 'Nothing waits.' : `${grouped(live)} ${live === 1 ? 'operation lives' : 'operations live'}.`
  return `The lease is ${describeLease(lease)}. ${left}`
}

function textOf({ summary, state, waitingFor, nextWakeAt, lastError, operation }: Explanation): string {
  const rows: [string, string | number][] = [
    ['status', operation?.status ?? '?'],
    ['attempts', String(operation?.attempts ?? 0)],
    ['engine', state.join(' > ')],
    ...waitingFor.map((what): [string, string] => ['waits for', what]),
  ]
  if (nextWakeAt !== undefined) rows.push(['next attempt', new Date(nextWakeAt).toISOString()])
  if (lastError !== undefined) rows.push(['last error', `${lastError.code}: ${lastError.message}`])
  return `${operation?.id ?? ''}  ${summary}\n${table(rows)}`
}
