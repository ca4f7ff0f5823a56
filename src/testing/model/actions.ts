import type { ExecutableActionObject } from 'xstate'

/**
 * What a transition makes a machine do, in words: `record`, `send OWN to drain`, `emit breaker:opened`, `start look`, `stop look`,
 * `wait 700 ms`, `raise RESUME in 60000 ms`, `cancel resume-auth`. That a timer ends with its state goes without saying.
 */
export function actionTexts(actions: readonly ExecutableActionObject[]): readonly string[] {
  return actions.flatMap((action) => actionText(action) ?? [])
}

function actionText({ type, params }: ExecutableActionObject): string | undefined {
  switch (type) {
    case 'xstate.spawnChild':
      return `start ${text(params, 'src')}`
    case 'xstate.stopChild':
      return `stop ${text(params, 'src')}`
    case 'xstate.sendTo':
      return `send ${text(member(params, 'event'), 'type')} to ${text(member(params, 'to'), 'id')}`
    case 'xstate.emit':
      return `emit ${text(member(params, 'event'), 'type')}`
    case 'xstate.raise':
      return raiseText(params)
    case 'xstate.cancel':
      return isTimer(text(params, 'sendId')) ? undefined : `cancel ${text(params, 'sendId')}`
    default:
      return type
  }
}

/** One without a delay is a step within the transition. */
function raiseText(params: unknown): string | undefined {
  const delayMs = member(params, 'delay')
  if (typeof delayMs !== 'number') return undefined
  const type = text(member(params, 'event'), 'type')
  return isTimer(type) ? `wait ${delayMs} ms` : `raise ${type} in ${delayMs} ms`
}

function isTimer(name: string): boolean {
  return name.startsWith('xstate.after.')
}

function text(of: unknown, key: string): string {
  const found = member(of, key)
  return typeof found === 'string' ? found : '?'
}

function member(of: unknown, key: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, key) : undefined
}
