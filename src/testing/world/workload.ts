import type { EnqueueInput } from '../../engine/types.ts'
import type { Choices } from './tape.ts'
import { POISON } from './model-server.ts'

/** What one person does at one moment. */
export interface Step {
  readonly atMs: number
  readonly device: number
  readonly tab: number
  readonly action: Action
}

export type Action =
  | { readonly type: 'nothing' }
  | { readonly type: 'enqueue'; readonly inputs: readonly EnqueueInput[]; readonly isTransaction?: true }
  /** Enqueues something, and discards it as soon as it is accepted. */
  | { readonly type: 'regret'; readonly input: EnqueueInput }
  /** Enqueues something that depends on the operation of this device that was accepted so many before the last. */
  | { readonly type: 'depend'; readonly input: EnqueueInput; readonly back: number }
  | { readonly type: 'decide'; readonly what: 'retry' | 'edit' | 'discard'; readonly back: number; readonly payload: object }
  | { readonly type: 'flush' }
  | { readonly type: 'pause' | 'resume' }

export interface WorkloadShape {
  readonly steps: number
  readonly deviceCount: number
  readonly tabsPerDevice: number
}

type Kind =
  | 'nothing'
  | 'create'
  | 'update'
  | 'replace'
  | 'delete'
  | 'poisoned'
  | 'transaction'
  | 'twice'
  | 'dedupe'
  | 'depend'
  | 'regret'
  | 'decide'
  | 'flush'
  | 'hold'

const KINDS = spread(
  ['nothing', 1],
  ['update', 14],
  ['create', 9],
  ['delete', 5],
  ['replace', 3],
  ['poisoned', 1],
  ['transaction', 3],
  ['twice', 2],
  ['dedupe', 2],
  ['depend', 3],
  ['regret', 2],
  ['decide', 3],
  ['flush', 1],
  ['hold', 1],
)

const FIELDS = ['a', 'b', 'c'] as const
const SHARED_IDS = 4
const OWN_IDS = 3
/** Pauses between two steps; mostly people are quick. */
const GAPS_MS = [50, 10, 0, 200, 1_000, 3_000] as const

/** Every step draws the same number of choices, so that one can be taken out of a tape without changing the others. */
export function drawWorkload(choices: Choices, shape: WorkloadShape): Step[] {
  const steps: Step[] = []
  let atMs = 500
  for (let number = 1; number <= shape.steps; number++) {
    const kind = choices.pick(KINDS)
    const device = choices.whole(0, shape.deviceCount - 1)
    const tab = choices.whole(0, shape.tabsPerDevice - 1)
    atMs += choices.pick(GAPS_MS)
    const input = drawInput(choices, kind, `d${device + 1}`, number)
    const back = choices.whole(0, 5)
    const what = choices.pick(['retry', 'edit', 'discard'])
    steps.push({ atMs, device, tab, action: actionOf(kind, input, back, what, number, `d${device + 1}`) })
  }
  return steps
}

function drawInput(choices: Choices, kind: Kind, device: string, number: number): EnqueueInput {
  const isShared = choices.chance(0.5)
  const place = choices.whole(0, 11)
  const field = choices.pick(FIELDS)
  const priority = choices.pick(['medium', 'medium', 'critical', 'low'])
  const id = isShared ? `n${place % SHARED_IDS}` : `${device}-n${place % OWN_IDS}`
  const type = kind === 'create' || kind === 'replace' || kind === 'delete' ? kind : 'update'
  const payload = kind === 'poisoned' ? { [POISON]: number } : { [field]: number }
  return { type, entity: 'note', id, priority, ...(type === 'delete' ? {} : { payload }) }
}

function actionOf(
  kind: Kind,
  input: EnqueueInput,
  back: number,
  what: 'retry' | 'edit' | 'discard',
  number: number,
  device: string,
): Action {
  if (kind === 'nothing' || kind === 'flush') return { type: kind }
  if (kind === 'depend') return { type: 'depend', input, back }
  if (kind === 'regret') return { type: 'regret', input }
  if (kind === 'decide') return { type: 'decide', what, back, payload: { c: number } }
  if (kind === 'hold') return { type: back < 3 ? 'pause' : 'resume' }
  if (kind === 'twice')
    return { type: 'enqueue', inputs: twiceOf({ ...input, idempotencyKey: `${device}-k${number}` }, back < 3) }
  if (kind === 'dedupe') return { type: 'enqueue', inputs: [{ ...input, dedupeKey: `x${back % 2}` }] }
  if (kind === 'transaction') return { type: 'enqueue', inputs: transactionOf(input, number) }
  return { type: 'enqueue', inputs: [number % 2 === 0 ? { ...input, optimistic: { token: `one${number}` } } : input] }
}

/** Under one key: the same once more, or something else, which must be refused. */
function twiceOf(input: EnqueueInput, isSame: boolean): readonly EnqueueInput[] {
  return [input, isSame ? input : { ...input, type: 'update', payload: { other: true } }]
}

/** A note and the task that speaks of it, or neither. */
function transactionOf(input: EnqueueInput, number: number): readonly EnqueueInput[] {
  const token = `tx${number}`
  const task: EnqueueInput = { type: 'create', entity: 'task', id: `t${number}`, payload: { about: input.id } }
  return [input, task].map((one) => ({ ...one, optimistic: { token } }))
}

/** Each as often as it weighs. */
function spread(first: readonly [Kind, number], ...others: readonly (readonly [Kind, number])[]): readonly [Kind, ...Kind[]] {
  const rest = [first, ...others].flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind))
  return [first[0], ...rest.slice(1)]
}
