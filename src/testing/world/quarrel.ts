import type { EnqueueInput } from '../../engine/types.ts'
import { isRecord } from '../../core/schema.ts'
import type { WorldSettings } from './settings.ts'
import type { Choices } from './tape.ts'
import type { Action, Step } from './workload.ts'

/** What everybody changes, and all that they change of it. */
const NOTE = 'n0'
const FIELDS = { a: 'a', b: 'b', c: 'a' } as const
const SKEW_MS = 40_000

interface Plan {
  readonly settings: WorldSettings
  readonly steps: readonly Step[]
}

/**
 * In some worlds everybody works on one note, and people are asked more often: what is in conflict with what else is rare. Drawn after everything
 * else, so that a world without a quarrel is as it was.
 */
export function withQuarrel({ settings, steps }: Plan, choices: Choices): Plan {
  const isQuarrel = choices.pick([false, false, false, false, false, true])
  const conflict = choices.pick(['manual', 'lastWriteWins', 'merge', 'remoteWins', 'localWins'])
  const ruleOfA = choices.pick([undefined, 'remoteWins', undefined, 'manual', 'localWins'])
  if (!isQuarrel) return { settings, steps }
  const skewMs = conflict === 'lastWriteWins' ? SKEW_MS : 0
  return {
    settings: { ...settings, conflict, ruleOfA, skewMs },
    steps: steps.map((step) => ({ ...step, action: about(step.action) })),
  }
}

function about(action: Action): Action {
  if (action.type === 'enqueue') return { ...action, inputs: action.inputs.map(narrowed) }
  return 'input' in action ? { ...action, input: narrowed(action.input) } : action
}

function narrowed(input: EnqueueInput): EnqueueInput {
  if (input.entity !== 'note') return input
  const { payload } = input
  if (!isRecord(payload)) return { ...input, id: NOTE }
  return {
    ...input,
    id: NOTE,
    payload: Object.fromEntries(Object.entries(payload).map(([field, value]) => [fieldOf(field), value])),
  }
}

function fieldOf(field: string): string {
  return field === 'a' || field === 'b' || field === 'c' ? FIELDS[field] : field
}
