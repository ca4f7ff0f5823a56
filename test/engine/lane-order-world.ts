import { createSyncEngine, type Outcome, type Priority, type Storage, type SyncEngine, type Transport } from '../../src/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { isTerminal, type OperationRow } from '../../src/core/operation.ts'
import { OPERATIONS, readOperation } from '../../src/core/schema.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'

const AGEING_MS = { critical: 0, high: 2_000, medium: 10_000, low: 40_000 } satisfies Record<Priority, number>

/** A request on its way, until the test says how it ends. */
export interface Flight {
  readonly id: string
  readonly entityId: string
  end(outcome: Outcome): void
}

export interface LaneWorld {
  readonly engine: SyncEngine
  readonly clock: VirtualClock
  /** Requests on their way, the oldest first. */
  readonly flights: readonly Flight[]
  /** Every operation as it is stored. */
  rows(): OperationRow[]
  rowOf(id: string): OperationRow
  /** What broke a rule of the order, in the words of the rule. */
  readonly offences: string[]
  /** Heads of lanes that could go now and do not. */
  idle(): string[]
  close(): Promise<void>
}

/** An engine over a store and a transport that watch in which order it claims and sends. Time is virtual, requests end when the test says so. */
export async function createLaneWorld(concurrency: number): Promise<LaneWorld> {
  const clock = createVirtualClock()
  const stored = new Map<number, OperationRow>()
  const flights: Flight[] = []
  const offences: string[] = []
  /** What was claimed and not sent yet, in the order of the claims. */
  const claims: string[] = []
  let ids = 0

  const byId = (id: string): OperationRow | undefined => [...stored.values()].find((row) => row.id === id)
  const rank = (row: OperationRow): number => row.enqueuedAt + AGEING_MS[row.priority]

  function heads(): OperationRow[] {
    const lanes = new Map<string, OperationRow>()
    for (const row of stored.values()) {
      const head = lanes.get(row.entityId)
      if (!isTerminal(row.status) && (head === undefined || row.seq < head.seq)) lanes.set(row.entityId, row)
    }
    return [...lanes.values()]
  }

  /** Heads of lanes that were never sent and wait for nothing. */
  function ready(): OperationRow[] {
    const met = (id: string): boolean => byId(id)?.status === 'done'
    return heads().filter((row) => row.status === 'queued' && (row.dependsOn ?? []).every(met))
  }

  /** The turn of a lane: an urgent operation lets those before it go, even if it was discarded meanwhile. */
  function turn({ entityId, seq }: OperationRow): number {
    const lane = [...stored.values()].filter((row) => row.entityId === entityId && row.seq >= seq)
    return Math.min(...lane.map(rank))
  }

  function checkClaims(written: readonly OperationRow[], before: readonly OperationRow[]): void {
    const claimed = written.filter((row) => row.status === 'sending' && stored.get(row.seq)?.status === 'queued')
    for (const [i, row] of claimed.entries()) {
      if (!before.some(({ id }) => id === row.id)) offences.push(`${row.id} was claimed before its turn`)
      const passed = before.filter(({ id }) => !claimed.slice(0, i + 1).some((other) => other.id === id))
      for (const other of passed) if (rank(other) < turn(row)) offences.push(`${row.id} was claimed before ${other.id}`)
    }
  }

  function follow(row: OperationRow): void {
    const before = stored.get(row.seq)
    stored.set(row.seq, row)
    if (before !== undefined && isTerminal(before.status) && row.status !== before.status)
      offences.push(`${row.id} was ${row.status} after its end`)
    if (row.status === 'sending') {
      if (before?.status === 'parked') offences.push(`${row.id} was claimed without a decision`)
      if (before?.status === 'waiting' && (before.dueAt ?? 0) > clock.now())
        offences.push(`${row.id} was claimed before it was due`)
      if (before?.status !== 'reconciling') claims.push(row.id)
    } else if (claims.includes(row.id)) claims.splice(claims.indexOf(row.id), 1)
  }

  function checkSend(row: OperationRow): void {
    const at = claims.indexOf(row.id)
    if (at > 0) offences.push(`${row.id} was sent before ${claims[0]}`)
    if (at >= 0) claims.splice(at, 1)
    for (const other of stored.values()) {
      if (other.entityId === row.entityId && other.seq < row.seq && !isTerminal(other.status))
        offences.push(`${row.id} overtook ${other.id}`)
    }
    if (flights.some(({ entityId }) => entityId === row.entityId)) offences.push(`${row.id} was sent beside another`)
    for (const id of row.dependsOn ?? []) if (byId(id)?.status !== 'done') offences.push(`${row.id} was sent before ${id}`)
    if (flights.length >= concurrency) offences.push(`${row.id} was sent beyond the concurrency`)
    if (row.status !== 'sending') offences.push(`${row.id} was sent before its claim was written`)
  }

  const transport: Transport = {
    prepare: ({ id, entityId }) => ({ method: 'POST', path: `/note/${entityId}`, headers: {}, body: id }),
    send(request) {
      const row = byId(request.body ?? '')
      if (row === undefined) throw new Error('It was sent before it was stored.')
      checkSend(row)
      return new Promise((resolve) => {
        const flight: Flight = {
          id: row.id,
          entityId: row.entityId,
          end(outcome) {
            flights.splice(flights.indexOf(flight), 1)
            resolve(outcome)
          },
        }
        flights.push(flight)
      })
    },
    fetch: async () => ({ type: 'absent' }),
  }

  const engine = createSyncEngine({
    storage: watched(memoryStorage(), (rows) => {
      checkClaims(rows, ready())
      rows.forEach(follow)
    }),
    transport,
    entities: { note: {} },
    concurrency,
    coalesce: false,
    ageingMs: AGEING_MS,
    retry: { strategy: 'constant', baseMs: 1_000, maxAttempts: 2 },
    breaker: { failureThreshold: 100_000 },
    sendTimeoutMs: 1_000_000_000,
    ports: { clock, random: () => 0.5, newId: () => `o${++ids}` },
  })
  await engine.start()
  await clock.advance(100)

  return {
    engine,
    clock,
    flights,
    offences,
    rows: () => [...stored.values()],
    rowOf: (id) => byId(id)!,
    idle: () => (flights.length < concurrency ? ready().map(({ id }) => id) : []),
    async close() {
      for (const flight of [...flights]) flight.end({ type: 'applied' })
      const stopped = engine.stop()
      await clock.advance(100_000)
      await stopped
    },
  }
}

/** The storage itself, telling the operations that each commit is about to write. */
function watched(storage: Storage, tell: (rows: readonly OperationRow[]) => void): Storage {
  return {
    ...storage,
    async commit(writes, options) {
      const keys = [...(await storage.commit(writes, options))]
      tell(
        writes.flatMap((write) => {
          if (write.collection !== OPERATIONS || write.type === 'delete') return []
          const value = write.type === 'append' ? { ...write.value, seq: keys.shift() } : write.value
          return readOperation({ key: 0, position: [], value }) ?? []
        }),
      )
      return keys
    },
  }
}
