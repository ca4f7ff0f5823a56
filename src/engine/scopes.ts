import type { PullTarget } from '../../machines/pull.ts'
import { StorageConflictError, SyncError, ValidationError } from '../core/errors.ts'
import type { Settings } from '../core/options.ts'
import type { Expectation } from '../core/ports.ts'
import { META, readScopes, scopesRowName, type ScopesRow } from '../core/schema.ts'
import { checkScopes } from '../core/scopes.ts'
import type { Store } from './store.ts'

/** What an application can do with the parts of an entity that are followed. */
export interface ScopeChoice {
  list(entity: string): Promise<readonly string[]>
  /**
   * Durable when it resolves; from then on it counts instead of the options. The tab that owns the lease pulls what is new in it at once, and
   * what only a dropped one held leaves the view. A function gets what is followed now, so that no tab undoes what another did.
   */
  set(entity: string, scopes: readonly string[] | ((now: readonly string[]) => readonly string[])): Promise<void>
}

export interface ScopesHooks {
  isOwner(): boolean
  want(targets: readonly PullTarget[]): void
  failed(error: unknown): void
}

const TRIES = 20

/** Which parts are followed: by the options, until a tab has chosen others. That lies in the store, where the owner finds it. */
export function createScopes({ user, entities }: Settings, store: Store, { isOwner, want, failed }: ScopesHooks) {
  const name = scopesRowName(user)
  const divided = Object.keys(entities).filter((entity) => entities[entity]?.scopes !== undefined)

  async function stored(): Promise<ScopesRow> {
    return readScopes(await store.storage.get(META, name)) ?? { name, rev: 0, scopes: {} }
  }

  function chosen(row: ScopesRow, entity: string): readonly string[] | undefined {
    return Object.hasOwn(row.scopes, entity) ? row.scopes[entity] : undefined
  }

  function followed(row: ScopesRow, entity: string): readonly string[] {
    return chosen(row, entity) ?? entities[entity]?.scopes ?? []
  }

  /** Has the owner take up what is followed, if that is not what it pulls. Before anything was pulled or chosen, nothing is asked for. */
  async function take(): Promise<void> {
    const row = await stored()
    for (const entity of divided) {
      const whole = await store.pullRow(user, entity)
      if (whole === undefined && chosen(row, entity) === undefined) continue
      const isTaken = whole?.parts !== undefined && isSame(whole.parts, followed(row, entity))
      if (!isTaken && isOwner()) want([{ entity, full: false }])
    }
  }

  function takeSoon(): void {
    if (divided.length > 0 && isOwner()) take().catch(failed)
  }

  function requireDivided(entity: string): void {
    if (divided.includes(entity)) return
    const hint = 'To follow parts of an entity, give entities.<name>.scopes; [] begins with none.'
    throw new ValidationError('entity', `must be one that has scopes: ${divided.join(', ') || 'none has'}. ${hint}`)
  }

  async function list(entity: string): Promise<readonly string[]> {
    requireDivided(entity)
    return followed(await stored(), entity)
  }

  const choice: ScopeChoice = {
    list,
    async set(entity, scopes) {
      requireDivided(entity)
      for (let tries = 0; tries < TRIES; tries++) {
        const row = await stored()
        const next = checkScopes('scopes', typeof scopes === 'function' ? scopes(followed(row, entity)) : scopes)
        const value = { name, rev: row.rev + 1, scopes: { ...row.scopes, [entity]: next } }
        try {
          await store.commit([{ type: 'put', collection: META, value }], { expect: [unchanged(row)] })
          return takeSoon()
        } catch (error) {
          if (!(error instanceof StorageConflictError)) throw error
        }
      }
      throw new SyncError('busy', 'Too many tabs choose scopes at once. Try again.', { retryable: true })
    },
  }

  return {
    choice,
    /** Undefined if the entity is pulled as a whole. */
    of: (entity: string): Promise<readonly string[]> | undefined => (divided.includes(entity) ? list(entity) : undefined),
    takeSoon,
  }
}

/** In whatever order. */
export function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one))
}

function unchanged({ name, rev }: ScopesRow): Expectation {
  return rev === 0 ? { collection: META, key: name, absent: true } : { collection: META, key: name, field: 'rev', equals: rev }
}
