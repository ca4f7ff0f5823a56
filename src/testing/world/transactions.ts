import type { EnqueueInput, Operation, SyncEngine } from '../../engine/types.ts'
import { POISON } from './model-server.ts'
import type { WorldSettings } from './settings.ts'
import type { Choices } from './tape.ts'
import type { Action, Step } from './workload.ts'

interface Plan {
  readonly settings: WorldSettings
  readonly steps: readonly Step[]
}

/** How often one is made that the server refuses in the end. */
const POISON_EVERY = 3

/**
 * In some worlds what is enqueued together is a transaction, of an API with an atomic batch or of one without. Drawn after everything else, so that a
 * world without transactions is as it was.
 */
export function withTransactions({ settings, steps }: Plan, choices: Choices): Plan {
  const transactions = choices.pick(['none', 'none', 'none', 'none', 'none', 'none', 'together', 'oneByOne'])
  if (transactions === 'none') return { settings, steps }
  return {
    settings: { ...settings, transactions },
    steps: steps.map((step, at) => ({ ...step, action: asOne(step.action, at) })),
  }
}

function asOne(action: Action, at: number): Action {
  if (action.type !== 'enqueue') return action
  const [first, second] = action.inputs
  if (first === undefined || first.dedupeKey !== undefined) return action
  const isPair = second !== undefined && second.entity !== first.entity
  if (!isPair && (second !== undefined || at % 2 === 0)) return action
  const others = isPair ? [second] : [at % 4 === 1 ? noteOf(first, at) : taskOf(first, at)]
  const poison = at % POISON_EVERY === 0 ? [poisoned(at)] : []
  return { type: 'enqueue', inputs: [first, ...others, ...poison], isTransaction: true }
}

function taskOf({ id }: EnqueueInput, at: number): EnqueueInput {
  return { type: 'create', entity: 'task', id: `with${at}`, payload: { about: id } }
}

/** One that others change, too. */
function noteOf({ id }: EnqueueInput, at: number): EnqueueInput {
  const other = [0, 1, 2].map((number) => `n${(at + number) % 4}`).find((one) => one !== id) ?? 'n9'
  return { type: 'update', entity: 'note', id: other, payload: { b: at } }
}

function poisoned(at: number): EnqueueInput {
  return { type: 'create', entity: 'task', id: `poison${at}`, payload: { [POISON]: at } }
}

/** Enqueues all of it as one. */
export async function transact(engine: SyncEngine, inputs: readonly EnqueueInput[]): Promise<readonly Operation[]> {
  const { operations } = await engine.transaction((tx) => {
    for (const input of inputs) tx.enqueue(input)
  })
  return operations
}
