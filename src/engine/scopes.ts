import type { PullTarget } from '../../machines/pull.ts'
import { ValidationError } from '../core/errors.ts'
import type { Settings } from '../core/options.ts'
import { META } from '../core/schema.ts'
import { checkScopes, readScopes, scopesRowName, type ScopesRow } from '../core/scopes.ts'
import { changeShared } from './shared-row.ts'
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

/** Which parts are followed: by the options, until a tab has chosen others. That lies in the store, where the owner finds it. */
export function createScopes({ user, entities }: Settings, store: Store, { isOwner, want, failed }: ScopesHooks) {
  const name = scopesRowName(user)
  const none: ScopesRow = { name, rev: 0, scopes: {} }
  const divided = Object.keys(entities).filter((entity) => entities[entity]?.scopes !== undefined)

  async function stored(): Promise<ScopesRow> {
    return readScopes(await store.storage.get(META, name)) ?? none
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
    throw new ValidationError('entity', 'must be one whose options have scopes; [] begins with none.')
  }

  async function list(entity: string): Promise<readonly string[]> {
    requireDivided(entity)
    return followed(await stored(), entity)
  }

  const choice: ScopeChoice = {
    list,
    async set(entity, scopes) {
      requireDivided(entity)
      await changeShared(store, name, readScopes, (known = none, rev) => {
        const next = checkScopes('scopes', typeof scopes === 'function' ? scopes(followed(known, entity)) : scopes)
        return { name, rev, scopes: { ...known.scopes, [entity]: next } }
      })
      takeSoon()
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
