/**
 * How guards and actions are called in a diagram: by their name and their fixed parameters, and those that are written inline by what
 * XState made of them (`raise RESUME`, `not(isPaused)`).
 */
export function nameOf(part: unknown): string {
  if (typeof part === 'string') return part
  if (typeof part === 'function') return inlineName(part)
  if (!isRecord(part)) return String(part)
  return `${String(part['type'])}${fixedParams(part['params'])}`
}

/** Parameters that are computed from the event would only repeat its name. */
function fixedParams(params: unknown): string {
  if (!isRecord(params)) return ''
  const shown = Object.entries(params).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `(${shown.join(', ')})`
}

/** The creators of XState leave what they were given on the function that they return. */
interface Creation {
  readonly type?: unknown
  readonly event?: unknown
  readonly guards?: unknown
  readonly stateValue?: unknown
  readonly sendId?: unknown
}

function inlineName(part: { readonly name: string } & Creation): string {
  if (Array.isArray(part.guards)) return `${part.name}(${part.guards.map(nameOf).join(', ')})`
  if (part.stateValue !== undefined) return `in ${nameOfState(part.stateValue)}`
  if (typeof part.type !== 'string') return part.name || 'inline'
  return [part.type.replace(/^xstate\./, ''), subjectOf(part)].filter(Boolean).join(' ')
}

function subjectOf({ event, sendId }: Creation): string {
  if (typeof sendId === 'string') return sendId
  return isRecord(event) && typeof event['type'] === 'string' ? event['type'] : ''
}

function nameOfState(value: unknown): string {
  if (!isRecord(value)) return String(value)
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${nameOfState(inner)}`)
    .join(' & ')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
