import { ValidationError } from './errors.ts'
import { isRecord } from './schema.ts'

export const DAY_MS = 86_400_000
export const STRATEGIES = ['exponential', 'linear', 'constant', 'decorrelated']
const MAX_MS = 10 * 365 * DAY_MS

/** @throws ValidationError that names the option, as all of these. */
export function refuseUnknown(path: string, known: readonly string[], given: object): void {
  for (const key of Object.keys(given)) {
    if (!known.includes(key))
      throw new ValidationError(path === 'options' ? key : `${path}.${key}`, `is not an option. Known: ${known.join(', ')}.`)
  }
}

export function count(path: string, value: unknown, min: number, max: number): void {
  if (!Number.isInteger(value) || Number(value) < min || Number(value) > max)
    throw new ValidationError(path, `must be a whole number from ${min} to ${max}.`)
}

export function text(path: string, value: unknown, what: string): string {
  if (typeof value !== 'string') throw new ValidationError(path, `must be a string: ${what}.`)
  return value
}

export function checkEngine(engine: unknown): void {
  if (!isRecord(engine) || !isFunction(engine['on']))
    throw new ValidationError('engine', 'must be what createSyncEngine has made.')
}

/** What tells what is looked for. */
export function checkQuery(query: unknown, known: readonly string[]): void {
  if (!isRecord(query))
    throw new ValidationError('query', `must be an object of ${known.join(', ')}, each of which may be left out.`)
  const unknown = Object.keys(query).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new ValidationError(unknown, `is not known here. Known: ${known.join(', ')}.`)
}

export function span(path: string, value: unknown, min: number): void {
  if (typeof value !== 'number' || !(value >= min) || value > MAX_MS)
    throw new ValidationError(path, `must be a number of milliseconds from ${min} to ${MAX_MS}.`)
}

export function checkBudget(budget: unknown): void {
  if (budget === undefined) return
  if (!isRecord(budget)) throw new ValidationError('retry.budget', 'must be an object with tokens and ratio.')
  refuseUnknown('retry.budget', ['tokens', 'ratio'], budget)
  count('retry.budget.tokens', budget['tokens'], 1, 1_000)
  share('retry.budget.ratio', budget['ratio'])
}

export function share(path: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw new ValidationError(path, 'must be a number from 0 to 1.')
}

/** The functions that each must have; without any it is one itself. */
const PORTS = { clock: ['now', 'monotonic', 'schedule'], random: [], newId: [], connectivity: ['online', 'watch'] } as const

export function checkSystemPorts(ports: unknown): void {
  if (ports === undefined) return
  if (!isRecord(ports)) throw new ValidationError('ports', `must be an object of ${Object.keys(PORTS).join(', ')}.`)
  refuseUnknown('ports', Object.keys(PORTS), ports)
  for (const [name, functions] of Object.entries<readonly string[]>(PORTS)) {
    const port = ports[name]
    const isRight = functions.length === 0 ? isFunction(port) : isRecord(port) && functions.every((one) => isFunction(port[one]))
    if (port !== undefined && !isRight)
      throw new ValidationError(
        `ports.${name}`,
        functions.length === 0 ? 'must be a function.' : `must have the functions ${functions.join(', ')}.`,
      )
  }
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
