import type { Conflict, ConflictResolver, Resolution } from '../../core/conflict.ts'
import { isObject } from '../../core/own.ts'
import type { Clock } from '../../core/ports.ts'
import type { Tell } from './facts.ts'
import type { Strategy, WorldSettings } from './settings.ts'
import type { Choices } from './tape.ts'

/**
 * Whether a function of the application says what becomes of conflicts about notes, and how: at once or later; of every second version one that fails throws or
 * answers what is no answer, and one that is silent never answers.
 */
export type ResolverMode = 'none' | 'at-once' | 'later' | 'failing' | 'silent'

/** Where it is asked. */
export interface Asking {
  readonly tab: string
  readonly clock: Clock
  readonly tell: Tell
}

const SHARE = 0.35
const MODES = ['at-once', 'later', 'failing', 'silent'] as const
/** What it does about every second version. */
const UNWILLING = { none: 'said', 'at-once': 'said', later: 'said', failing: 'failed', silent: 'silent' } as const
/** How long one thinks that does not answer at once. */
const THINKS_MS = 30

/** Drawn after everything else. What is decided by field, or by time, is not said by a function. */
export function withResolver(settings: WorldSettings, choices: Choices): WorldSettings {
  if (!choices.chance(SHARE)) return settings
  const mode = choices.pick(MODES)
  const isByName = settings.ruleOfA !== undefined || settings.conflict === 'lastWriteWins'
  return isByName ? settings : { ...settings, resolver: mode }
}

/** Decides as the strategy of that name would, so that whoever judges the one judges the other. */
export function resolverOf(
  { conflict: strategy, resolver: mode }: WorldSettings,
  { tab, clock, tell }: Asking,
): ConflictResolver {
  return (conflict) => {
    const { operationId: operation, remote } = conflict
    const answer = Number(conflict.remoteVersion) % 2 === 0 ? UNWILLING[mode] : 'said'
    tell({ type: 'consulted', tab, operation, remote, answer })
    if (answer === 'silent') return new Promise(() => {})
    if (answer === 'failed') return failed(conflict)
    const said = decided(strategy, conflict)
    return mode === 'at-once' ? said : new Promise((resolve) => clock.schedule(() => resolve(said), THINKS_MS))
  }
}

/** A deletion is not merged: that of the server stands, ours is made. */
function decided(strategy: Strategy, { merged, remote }: Conflict): Resolution {
  if (strategy === 'manual') return 'manual'
  if (strategy !== 'merge') return strategy === 'remoteWins' ? 'remote' : 'local'
  if (merged !== undefined && isObject(merged)) return { value: merged }
  return remote === undefined ? 'remote' : 'local'
}

/** It throws, rejects, or answers what is no JSON. */
function failed({ operationId, remoteVersion }: Conflict): Resolution | Promise<Resolution> {
  const error = new Error(`Nothing is known of ${operationId}.`)
  const kind = Number(remoteVersion) % 6
  if (kind === 0) throw error
  return kind === 2 ? Promise.reject(error) : { value: { a: Number.NaN } }
}
