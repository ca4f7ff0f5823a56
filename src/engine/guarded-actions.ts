import { objectionToValue } from '../core/answer-value.ts'
import type { ActionEffect, ActionEffects } from '../core/derive.ts'
import { SyncError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Settings } from '../core/options.ts'
import { isObject } from '../core/own.ts'

type Tell = (error: SyncError) => void

/** The settings with `actions` that do no harm where one of them fails: it shows nothing, and is told of once, for views ask it again and again. */
export function guardedActions(settings: Settings, tell: Tell): Settings {
  const entities = Object.entries(settings.entities).map(([entity, options]) => {
    const { actions } = options
    return [entity, actions === undefined ? options : { ...options, actions: guardedOf(entity, actions, tell) }] as const
  })
  return { ...settings, entities: Object.fromEntries(entities) }
}

function guardedOf(entity: string, actions: ActionEffects, tell: Tell): ActionEffects {
  return Object.fromEntries(Object.entries(actions).map(([type, effect]) => [type, guardedEffect(entity, type, effect, tell)]))
}

/** One that fails, or makes what can be no entity, tells nothing of it: what came of the operation the server says. */
function guardedEffect(entity: string, type: string, effect: ActionEffect, tell: Tell): ActionEffect {
  let isTold = false
  const failed = (cause: unknown): void => {
    if (isTold) return
    isTold = true
    tell(actionFailed(entity, type, cause))
  }
  return (value, payload) => {
    try {
      // It may do with them as it likes: they are of what the server confirmed, and of what is to be sent.
      const made = effect(structuredClone(value), structuredClone(payload))
      if (made === undefined || isEntity(made)) return made
      refused(made, failed)
    } catch (cause) {
      failed(cause)
    }
    return value
  }
}

function isEntity(made: JsonObject): boolean {
  return isObject(made) && objectionToValue(made) === undefined
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
