import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NetworkError, RateLimitError, ServerError, type EnqueueInput, type JsonObject, type Outcome } from '../../src/index.ts'
import { applyMergePatch } from '../../src/core/merge-patch.ts'
import { isTerminal } from '../../src/core/operation.ts'
import { STORE_SCHEMA, isRecord } from '../../src/core/schema.ts'
import { readRows } from '../support/rows.ts'
import { createWorld, type World } from '../support/world.ts'

const ENTITIES = 10
const OPERATIONS = 50

type Fate = 'through' | 'lost request' | 'lost response' | 'too many' | 'unavailable' | 'malformed'

const fates = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Fate>('through') },
    { weight: 4, arbitrary: fc.constantFrom<Fate>('lost request', 'lost response', 'too many', 'unavailable', 'malformed') },
  ),
  { minLength: 200, maxLength: 200 },
)

const steps = fc.array(
  fc.record({ id: fc.nat(ENTITIES - 1), kind: fc.constantFrom('write', 'delete'), field: fc.constantFrom('a', 'b', 'c') }),
  { minLength: OPERATIONS, maxLength: OPERATIONS },
)

/** Operations that the server would all accept one after the other, and the state that they leave. */
function story(plan: readonly { id: number; kind: string; field: string }[]): {
  inputs: EnqueueInput[]
  state: Record<string, JsonObject>
} {
  const state = new Map<string, JsonObject>()
  const inputs = plan.map(({ id: n, kind, field }, i): EnqueueInput => {
    const id = `n${n}`
    const known = state.get(id)
    if (known !== undefined && kind === 'delete') {
      state.delete(id)
      return { type: 'delete', entity: 'note', id }
    }
    const payload = { [field]: i }
    const value = applyMergePatch(known ?? { id }, payload)
    if (isRecord(value)) state.set(id, value)
    return { type: known === undefined ? 'create' : 'update', entity: 'note', id, payload }
  })
  return { inputs, state: Object.fromEntries(state) }
}

async function suffer(fate: Fate | undefined, send: () => Promise<Outcome>): Promise<Outcome> {
  switch (fate) {
    case 'lost request':
      return { type: 'unknown', error: new NetworkError('The request was lost.') }
    case 'lost response':
      await send()
      return { type: 'unknown', error: new NetworkError('The response was lost.') }
    case 'too many':
      return { type: 'retry', retryAfterMs: 5, error: new RateLimitError('Slow down.', { status: 429 }) }
    case 'unavailable':
      return { type: 'unknown', error: new ServerError('Unavailable.', { status: 503 }) }
    case 'malformed':
      await send()
      return { type: 'unknown', error: new ServerError('Not JSON.', { status: 200, code: 'unreadable' }) }
    default:
      return send()
  }
}

/** S8 at one instant: nothing that was accepted is missing, and nothing is there twice. */
async function checkAccount(world: World, accepted: ReadonlySet<string>, snapshots: Set<string>[]): Promise<void> {
  const storage = world.storage()
  await storage.open(STORE_SCHEMA)
  const rows = await readRows(storage)
  await storage.close()
  const ids = rows.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of accepted) expect(ids).toContain(id)
  const ended = new Set(rows.filter(({ status }) => isTerminal(status)).map(({ id, status }) => `${id} ${status}`))
  for (const before of snapshots.at(-1) ?? []) expect(ended).toContain(before)
  snapshots.push(ended)
}

async function run(coalesce: boolean, plan: Parameters<typeof story>[0], outcomes: readonly Fate[]): Promise<void> {
  const world = await createWorld({ store: 'memory' })
  try {
    const { inputs, state } = story(plan)
    world.intercept((_, send, count) => suffer(outcomes[count - 1], send))
    const engine = await world.started({ coalesce, retry: { strategy: 'constant', baseMs: 1 } })
    const accepted = new Set<string>()
    const snapshots: Set<string>[] = []
    const settled = []
    for (const input of inputs) {
      const operation = await engine.enqueue(input)
      accepted.add(operation.id)
      settled.push(operation.settled)
      await checkAccount(world, accepted, snapshots)
    }
    const settlements = await Promise.all(settled)
    await checkAccount(world, accepted, snapshots)

    expect(world.notes()).toEqual(state)
    const ledger = world.server.ledger()
    const keys = ledger.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    const ids = [...accepted]
    settlements.forEach(({ status }, i) => {
      expect(keys.filter((key) => key === ids[i]).length).toBe(status === 'done' ? 1 : 0)
    })
    for (let n = 0; n < ENTITIES; n++) {
      const order = ledger.filter(({ id }) => id === `n${n}`).map(({ sequence }) => sequence ?? -1)
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }
    if (!coalesce) expect(settlements.every(({ status }) => status === 'done')).toBe(true)
  } finally {
    await world.close()
  }
}

describe('50 operations on 10 entities under random outcomes', () => {
  it('S4 S8 S9 each take effect once, in order, and none is lost', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fates, (plan, outcomes) => run(false, plan, outcomes)),
      { numRuns: 5 },
    )
  })

  it('S4 S8 S9 S16 leave the same state when they are coalesced', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fates, (plan, outcomes) => run(true, plan, outcomes)),
      { numRuns: 5 },
    )
  })
})
