import { isEntity, type ActionEffect, type ActionEffects } from '../core/derive.ts'
import { SyncError } from '../core/errors.ts'
import type { Settings } from '../core/options.ts'

type Tell = (error: SyncError) => void

/** The settings with `actions` that tell of it where one of them fails: each once, for views ask them again and again. */
export function tellingActions(settings: Settings, tell: Tell): Settings {
  const entities = Object.entries(settings.entities).map(([entity, options]) => {
    const { actions } = options
    return [entity, actions === undefined ? options : { ...options, actions: tellingOf(entity, actions, tell) }] as const
  })
  return { ...settings, entities: Object.fromEntries(entities) }
}

function tellingOf(entity: string, actions: ActionEffects, tell: Tell): ActionEffects {
  return Object.fromEntries(Object.entries(actions).map(([type, effect]) => [type, telling(entity, type, effect, tell)]))
}

function telling(entity: string, type: string, effect: ActionEffect, tell: Tell): ActionEffect {
  let isTold = false
  const failed = (cause: unknown): void => {
    if (isTold) return
    isTold = true
    tell(actionFailed(entity, type, cause))
  }
  return (value, payload) => {
    try {
      const made = effect(value, payload)
      if (made !== undefined && !isEntity(made)) refused(made, failed)
      return made
    } catch (cause) {
      failed(cause)
      throw cause
    }
  }
}

/** A promise may still reject, which nobody else waits for. */
function refused(made: unknown, failed: (cause: unknown) => void): void {
  failed(new TypeError(made instanceof Promise ? 'It gave a promise.' : 'It gave what can be no entity.'))
  if (made instanceof Promise) made.catch(failed)
}

function actionFailed(entity: string, type: string, cause: unknown): SyncError {
  const message = `The function for "${type}" in the actions of "${entity}" failed: what it makes of an entity is not shown until the server has answered. It must give the entity as an object of JSON, or undefined, and at once.`
  return new SyncError('action-failed', message, { cause })
}
